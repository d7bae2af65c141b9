//! Counting the messages in a gRPC body, whose frames need not begin and end where messages do.

/// Where in a body of messages the reader is. Each message has five bytes before it: whether it is compressed, and its length.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// How many of the five bytes were read.
    head: u8,
    /// The length as far as it was read, and then what is left of the message.
    left: u32,
}

const HEAD: u8 = 5;

impl Messages {
    /// How many messages end in the next bytes of the body.
    pub(super) fn ended_in(&mut self, mut bytes: &[u8]) -> u64 {
        let mut ended = 0;
        loop {
            if self.head < HEAD {
                let Some((byte, rest)) = bytes.split_first() else { return ended };
                bytes = rest;
                if self.head > 0 {
                    self.left = self.left << 8 | u32::from(*byte);
                }
                self.head += 1;
                if self.head < HEAD {
                    continue;
                }
            }
            let left = usize::try_from(self.left).unwrap_or(usize::MAX);
            match bytes.get(left..) {
                Some(rest) => {
                    bytes = rest;
                    *self = Self::default();
                    ended += 1;
                }
                None => {
                    self.left = self.left.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                    return ended;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_are_counted_once_however_the_body_is_cut(
            lengths in proptest::collection::vec(0_usize..400, 0..12), cuts in proptest::collection::vec(1_usize..90, 1..80),
        ) {
            let mut body = Vec::new();
            for length in &lengths {
                body.push(0);
                body.extend(u32::try_from(*length).expect("small").to_be_bytes());
                body.extend(vec![7; *length]);
            }
            let (mut messages, mut ended, mut rest) = (Messages::default(), 0, &body[..]);
            for cut in cuts.iter().cycle() {
                let (piece, then) = rest.split_at((*cut).min(rest.len()));
                ended += messages.ended_in(piece);
                rest = then;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(ended, lengths.len() as u64);
        }

        #[test]
        fn any_bytes_are_counted_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Messages::default().ended_in(&bytes);
        }
    }

    #[test]
    fn a_message_that_never_ends_is_not_counted() {
        let mut messages = Messages::default();
        assert_eq!(messages.ended_in(&[0, 0xff, 0xff, 0xff, 0xff, 1]), 0);
        assert_eq!(messages.ended_in(&[1; 10_000]), 0);
    }
}
