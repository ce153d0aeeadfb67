//! Pure types and rules: no io, no HTTP, no SQL. Clock and randomness are arguments.
