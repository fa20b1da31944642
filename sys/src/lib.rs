//! The platform layer of edgewake.
