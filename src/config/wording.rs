//! What serde says of a document, in the words of JSON instead of those of Rust.

/// `invalid type: sequence, expected struct Config at line 1` becomes `is an array; must be an object at line 1`. What is not
/// known stays as it is.
pub(super) fn in_json(message: &str) -> String {
    let Some((seen, rest)) = message.split_once(", expected ") else { return message.to_owned() };
    let (expected, place) = rest.find(" at line ").map_or((rest, ""), |at| rest.split_at(at));
    let is_below_zero = seen.contains("`-");
    let needed = match expected {
        expected if expected.starts_with("struct ") || expected == "a map" => "must be an object",
        // A number that is too large is told with the type, which says how large it may be.
        "u8" | "u16" | "u32" | "u64" | "usize" if seen.starts_with("invalid type") || is_below_zero => {
            "must be a whole number of 0 or more"
        }
        "f64" => "must be a number",
        "a string" => "must be a string",
        "a sequence" => "must be an array",
        "a boolean" => "must be true or false",
        _ => return message.to_owned(),
    };
    let seen = match seen {
        "invalid type: sequence" => "is an array",
        "invalid type: map" => "is an object",
        seen if seen.starts_with("invalid length") => "is an array",
        seen => seen,
    };
    format!("{seen}; {needed}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_rust_are_told_in_the_words_of_json() {
        for (said, told) in [
            (
                "invalid length 0, expected struct Config with 9 elements at line 1 column 2",
                "is an array; must be an object at line 1 column 2",
            ),
            ("invalid type: sequence, expected struct Group", "is an array; must be an object"),
            (
                "invalid value: integer `-1`, expected u32",
                "invalid value: integer `-1`; must be a whole number of 0 or more",
            ),
            ("invalid type: map, expected a string", "is an object; must be a string"),
            ("invalid value: integer `5000000000`, expected u32", "invalid value: integer `5000000000`, expected u32"),
            ("missing field `region`", "missing field `region`"),
        ] {
            assert_eq!(in_json(said), told);
        }
    }
}
