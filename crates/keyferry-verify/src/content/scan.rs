//! Where two streams differ.

/// A comparison that goes on from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Bytes compared so far.
    pub(super) offset: u64,
    /// Offset of the first byte that differs.
    pub(super) first: Option<u64>,
    /// How many bytes differ.
    pub(super) differing: u64,
}

impl Scan {
    /// Compares the next bytes of both; they must be equally many.
    pub(super) fn compare(&mut self, ours: &[u8], theirs: &[u8]) {
        if ours != theirs {
            let mut differing = ours
                .iter()
                .zip(theirs)
                .enumerate()
                .filter(|(_, (ours, theirs))| ours != theirs)
                .map(|(index, _)| index as u64);
            if let Some(index) = differing.next() {
                self.first.get_or_insert(self.offset + index);
                self.differing += 1 + differing.count() as u64;
            }
        }
        self.offset += ours.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the streams are cut, the result is that of comparing them whole.
        #[test]
        fn cuts_do_not_matter(
            bytes in proptest::collection::vec((0_u8..3, 0_u8..3), 0..200),
            cut in 1_usize..50,
        ) {
            let (ours, theirs): (Vec<u8>, Vec<u8>) = bytes.into_iter().unzip();
            let mut scan = Scan::default();
            for (ours, theirs) in ours.chunks(cut).zip(theirs.chunks(cut)) {
                scan.compare(ours, theirs);
            }
            let places: Vec<_> = (0..ours.len()).filter(|&at| ours[at] != theirs[at]).collect();
            prop_assert_eq!(scan.offset, ours.len() as u64);
            prop_assert_eq!(scan.first, places.first().map(|&at| at as u64));
            prop_assert_eq!(scan.differing, places.len() as u64);
        }
    }
}
