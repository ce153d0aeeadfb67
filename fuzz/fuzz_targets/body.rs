#![no_main]

use konektor_tests::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::body(bytes));
