//! The language model.

use super::*;

impl Cloud {
    async fn ask(&self, key: &str) -> (u16, String) {
        let body = json!({"model": "deepseek-flash", "messages": [{"role": "user", "content": "json"}]});
        let address = format!("{}/chat/completions", self.server.url());
        let request = self.client.post(address).header("authorization", format!("Bearer {key}")).body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

#[tokio::test]
async fn the_model_answers_its_script_and_keeps_what_it_was_asked() {
    let cloud = Cloud::start(RegionSettings::default()).await;
    let key = cloud.region.settings().model_key.expose().to_owned();
    let good = || ModelAnswer::Content("{\"a\":1}".to_owned());
    let slow = ModelAnswer::AfterEmptyLines(3, "{\"b\":2}".to_owned());
    cloud.region.script_model([good(), slow, ModelAnswer::Error(429)], Some(good()));
    let content = |text: &str| {
        let answer: Value = serde_json::from_str(text.trim_start()).unwrap();
        answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(content(&cloud.ask(&key).await.1), "{\"a\":1}");
    let (_, after_lines) = cloud.ask(&key).await;
    assert!(after_lines.starts_with("\n\n\n"));
    assert_eq!(content(&after_lines), "{\"b\":2}");
    assert_eq!(cloud.ask(&key).await.0, 429);
    assert_eq!(content(&cloud.ask(&key).await.1), "{\"a\":1}");
    assert_eq!(cloud.ask("another").await.0, 401);
    assert_eq!(cloud.region.take_model_requests().len(), 4);
}

#[tokio::test]
async fn a_model_without_a_script_is_overloaded() {
    let cloud = Cloud::start(RegionSettings::default()).await;
    let key = cloud.region.settings().model_key.expose().to_owned();
    assert_eq!(cloud.ask(&key).await.0, 503);
}
