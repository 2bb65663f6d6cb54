//! The configuration document: strict JSON, refused with the exact path and the mend.
