//! From signal sources to samples: fetched in parallel, batched, dated, and never guessed.
