#![no_main]

use konektor_tests::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| properties::search(text));
