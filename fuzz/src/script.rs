//! An input of several steps: each is a byte that says what to do, a byte with the length of what follows, and
//! that. Any bytes are a script, and most changes to one leave the rest of it what it was.

/// The steps of a script.
#[derive(Debug, Clone)]
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Iterator for Script<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&step, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first().unwrap_or((&0, &[]));
        let (bytes, rest) = rest.split_at(usize::from(length).min(rest.len()));
        self.0 = rest;
        Some((step, bytes))
    }
}
