//! Numbers in a JSON string: base64 of their little-endian bytes. A third of the size of decimal text, and exact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// A number of fixed width.
pub trait Packable: Copy {
    /// Bytes of one number.
    const WIDTH: usize;
    /// Appends the number's little-endian bytes.
    fn append(self, bytes: &mut Vec<u8>);
    /// Reads a number back. `bytes` has [`WIDTH`](Self::WIDTH) bytes.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! packable {
    ($($number:ty),*) => {$(
        impl Packable for $number {
            const WIDTH: usize = size_of::<$number>();
            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn read(bytes: &[u8]) -> Self {
                let mut word = [0; size_of::<$number>()];
                word.copy_from_slice(bytes);
                Self::from_le_bytes(word)
            }
        }
    )*};
}
packable!(u16, u32, f32, f64);

/// For `#[serde(with = "packed")]`.
///
/// # Errors
/// Whatever the serializer says.
pub fn serialize<S: Serializer, N: Packable>(numbers: &[N], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(numbers.len() * N::WIDTH);
    for number in numbers {
        number.append(&mut bytes);
    }
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// For `#[serde(with = "packed")]`.
///
/// # Errors
/// Text that is not base64, or not a whole number of numbers.
pub fn deserialize<'de, D: Deserializer<'de>, N: Packable>(deserializer: D) -> Result<Vec<N>, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
    if bytes.len() % N::WIDTH != 0 {
        return Err(D::Error::custom(format!("{} bytes are no whole count of {}-byte numbers", bytes.len(), N::WIDTH)));
    }
    Ok(bytes.chunks_exact(N::WIDTH).map(N::read).collect())
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Holder {
        #[serde(with = "super")]
        numbers: Vec<f64>,
    }

    #[test]
    fn numbers_come_back_bit_for_bit() {
        let holder = Holder { numbers: vec![0.1, -0.0, f64::MIN_POSITIVE, 1e300, f64::INFINITY] };
        let text = serde_json::to_string(&holder).expect("numbers are serialisable");
        let back: Holder = serde_json::from_str(&text).expect("what was written can be read");
        let bits = |holder: &Holder| holder.numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&holder), bits(&back));
    }

    #[test]
    fn a_torn_string_is_an_error() {
        assert!(serde_json::from_str::<Holder>(r#"{"numbers":"AAAA"}"#).is_err());
        assert!(serde_json::from_str::<Holder>(r#"{"numbers":"?"}"#).is_err());
    }
}
