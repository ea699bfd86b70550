#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lightsout_fuzz::targets::sol(data));
