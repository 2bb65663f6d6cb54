use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::clients::Credentials;

/// The platform's own default, for a process that is not told its timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// The platform's own default, in bytes.
const DEFAULT_MAX_RESPONSE: usize = 6 * 1024 * 1024;

/// What a function finds around it, read once at the edge.
///
/// Variables are looked up among those of the process first, then in the JSON object of `RUNTIME_USERDATA`: the
/// platform's documents disagree on where a custom runtime finds what the user has set.
#[derive(Clone)]
pub struct Environment {
    /// `host:port` of the runtime API (`RUNTIME_API_ADDR`). Absent outside of the platform.
    pub runtime_api_addr: Option<String>,
    /// How long an invocation may take before the platform kills it (`RUNTIME_TIMEOUT`, whole seconds, default 3).
    pub timeout: Duration,
    /// Largest answer in bytes (`RUNTIME_MAX_RESP_BODY_SIZE`, default 6 MiB).
    pub max_response_bytes: usize,
    /// Which function this is.
    pub function: FunctionIdentity,
    variables: BTreeMap<String, String>,
}

/// Which function this is, as the platform names it. A part that the platform did not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionIdentity {
    /// `RUNTIME_PROJECT_ID`.
    pub project_id: String,
    /// `RUNTIME_PACKAGE`: the application that the function belongs to.
    pub package: String,
    /// `RUNTIME_FUNC_NAME`.
    pub name: String,
    /// `RUNTIME_FUNC_VERSION`.
    pub version: String,
}

impl FunctionIdentity {
    /// The function's own URN in `region`, or nothing if the platform did not tell all of its parts.
    pub fn urn(&self, region: &str) -> Option<String> {
        let Self { project_id, package, name, version } = self;
        let parts = [region, project_id, package, name, version];
        parts
            .iter()
            .all(|part| !part.is_empty())
            .then(|| format!("urn:fss:{region}:{project_id}:function:{package}:{name}:{version}"))
    }
}

/// A preset variable that makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("environment variable {name} is `{value}`: expected a whole number of {unit} above 0")]
pub struct EnvironmentError {
    name: &'static str,
    value: String,
    unit: &'static str,
}

impl Environment {
    /// Reads the environment of this process. Variables that are no Unicode are left out.
    pub fn from_process() -> Result<Self, EnvironmentError> {
        Self::from_variables(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Builds an environment from `variables`, as if they were those of the process.
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Result<Self, EnvironmentError>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let process: BTreeMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mut variables = process.get("RUNTIME_USERDATA").map(|json| user_data(json)).unwrap_or_default();
        variables.extend(process.into_iter().filter(|(_, value)| !value.is_empty()));

        let text = |name: &str| variables.get(name).cloned().unwrap_or_default();
        Ok(Self {
            runtime_api_addr: variables.get("RUNTIME_API_ADDR").cloned(),
            timeout: number(&variables, "RUNTIME_TIMEOUT", "seconds")?.map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            max_response_bytes: number(&variables, "RUNTIME_MAX_RESP_BODY_SIZE", "bytes")?
                .map_or(DEFAULT_MAX_RESPONSE, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            function: FunctionIdentity {
                project_id: text("RUNTIME_PROJECT_ID"),
                package: text("RUNTIME_PACKAGE"),
                name: text("RUNTIME_FUNC_NAME"),
                version: text("RUNTIME_FUNC_VERSION"),
            },
            variables,
        })
    }

    /// The value of a variable. An empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The credentials that the official SDKs read from the environment; for use without an agency.
    pub fn credentials(&self) -> Option<Credentials> {
        Credentials::from_variables(|name| self.variable(name).map(str::to_owned)).ok()
    }
}

/// Shows the names of the variables only: encrypted function variables are among them.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("runtime_api_addr", &self.runtime_api_addr)
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("function", &self.function)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

/// The user's variables. What is no JSON object yields none: the process environment may hold them all the same.
fn user_data(json: &str) -> BTreeMap<String, String> {
    let Ok(Value::Object(entries)) = serde_json::from_str(json) else { return BTreeMap::new() };
    entries
        .into_iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Number(_) | Value::Bool(_) => Some((name, value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn number(
    variables: &BTreeMap<String, String>,
    name: &'static str,
    unit: &'static str,
) -> Result<Option<u64>, EnvironmentError> {
    let Some(value) = variables.get(name) else { return Ok(None) };
    match value.trim().parse() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(EnvironmentError { name, value: value.clone(), unit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(variables.iter().copied()).unwrap()
    }

    #[test]
    fn without_preset_variables_the_platforms_defaults_hold() {
        let environment = environment(&[]);
        assert_eq!(environment.timeout, Duration::from_secs(3));
        assert_eq!(environment.max_response_bytes, 6_291_456);
        assert_eq!(environment.runtime_api_addr, None);
    }

    #[test]
    fn the_process_wins_over_user_data_and_an_empty_value_does_not() {
        let environment = environment(&[
            ("RUNTIME_USERDATA", r#"{"A":"data","B":"data","C":7,"D":true,"E":["no"],"F":""}"#),
            ("A", "process"),
            ("B", ""),
        ]);
        let value = |name| environment.variable(name);
        assert_eq!([value("A"), value("B"), value("C")], [Some("process"), Some("data"), Some("7")]);
        assert_eq!([value("D"), value("E"), value("F")], [Some("true"), None, None]);
    }

    #[test]
    fn user_data_that_is_no_object_is_passed_over() {
        for data in ["", "null", "[1]", "{", "text"] {
            assert_eq!(environment(&[("RUNTIME_USERDATA", data), ("A", "1")]).variable("A"), Some("1"), "{data}");
        }
    }

    #[test]
    fn a_timeout_that_is_no_number_is_named() {
        for value in ["soon", "0", "-1", "1.5"] {
            let error = Environment::from_variables([("RUNTIME_TIMEOUT", value)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "environment variable RUNTIME_TIMEOUT is `{value}`: expected a whole number of seconds above 0"
                )
            );
        }
    }

    #[test]
    fn debug_output_shows_names_and_no_values() {
        let shown = format!("{:?}", environment(&[("DEEPSEEK_API_KEY", "sk-1234")]));
        assert!(shown.contains("DEEPSEEK_API_KEY") && !shown.contains("sk-1234"), "{shown}");
    }

    #[test]
    fn a_urn_needs_all_of_its_parts() {
        let mut function = FunctionIdentity {
            project_id: "p1".to_owned(),
            package: "default".to_owned(),
            name: "evaluate".to_owned(),
            version: "latest".to_owned(),
        };
        let urn = function.urn("cn-north-4");
        assert_eq!(urn.as_deref(), Some("urn:fss:cn-north-4:p1:function:default:evaluate:latest"));
        function.package.clear();
        assert_eq!(function.urn("cn-north-4"), None);
    }

    #[test]
    fn credentials_of_the_official_sdks_need_both_keys() {
        assert_eq!(environment(&[("HUAWEICLOUD_SDK_AK", "AK")]).credentials(), None);
        let credentials = environment(&[("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "SK")]).credentials();
        assert_eq!(credentials, Some(Credentials::new("AK", "SK", None)));
    }
}
