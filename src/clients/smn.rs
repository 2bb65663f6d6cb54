//! Simple Message Notification (SMN): telling people.

use serde::{Deserialize, Serialize};

use super::api::{Api, Request};
use super::error::ClientError;
use super::signing::path_segment;

/// Longest subject in bytes.
const LONGEST_SUBJECT: usize = 512;
/// Longest message in bytes.
const LONGEST_MESSAGE: usize = 256 * 1024;

/// The SMN API.
#[derive(Clone, Debug)]
pub struct Smn(pub(super) Api);

impl Smn {
    /// Sends a message to a topic and gives its id. What is too long is cut; the subject becomes one line.
    ///
    /// # Errors
    /// If the API refuses or does not answer. It is not sent again unless it was surely refused: people read it.
    pub async fn publish(&self, topic_urn: &str, subject: &str, message: &str) -> Result<String, ClientError> {
        #[derive(Serialize)]
        struct Publish<'a> {
            subject: &'a str,
            message: &'a str,
        }
        #[derive(Deserialize)]
        struct Published {
            message_id: String,
        }
        let line = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let publish = Publish { subject: cut(&line, LONGEST_SUBJECT), message: cut(message, LONGEST_MESSAGE) };
        let path = format!("/v2/{}/notifications/topics/{}/publish", self.0.project(), path_segment(topic_urn));
        let request = Request::post("publish to topic", topic_urn, path).json(&publish).once();
        Ok(self.0.call::<Published>(request).await?.message_id)
    }
}

/// The first `bytes` of a text, or a little less, so that no character is torn.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Planned, Server};

    const TOPIC: &str = "urn:smn:cn-north-4:project:people";

    #[tokio::test]
    async fn a_message_is_published_in_the_form_of_the_api() {
        let server = Server::start([Planned::json(200, json!({"message_id": "m-1", "request_id": "r"}))]).await;
        let id = server.cloud().smn().publish(TOPIC, "two\nlines", "text").await.unwrap();
        assert_eq!(id, "m-1");
        assert_eq!(server.lines(), [format!("POST /v2/project/notifications/topics/{TOPIC}/publish")]);
        assert_eq!(server.received()[0].json(), json!({"subject": "two lines", "message": "text"}));
    }

    #[tokio::test]
    async fn a_message_that_may_have_been_sent_is_not_sent_again() {
        let server = Server::start([Planned::text(500, "")]).await;
        assert!(server.cloud().smn().publish(TOPIC, "s", "m").await.unwrap_err().may_have_happened());
        assert_eq!(server.received().len(), 1);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("自动扩缩", 7), "自动");
        assert_eq!(cut("short", 512), "short");
    }
}
