//! A response body: a stream of chunks, or all of it at once.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};

use crate::{Error, Result};

/// Bytes that are reserved for a body before they came: a server could tell any length, and then send nothing.
const MOST_RESERVED: usize = 4 * 1024 * 1024;

/// A response body, already decompressed.
pub struct Body(Inner);

enum Inner {
    Whole(Bytes),
    Stream(BoxStream<'static, Result<Bytes>>, Option<u64>),
}

impl Body {
    /// A body that arrives in chunks. An error ends it.
    pub fn from_stream(chunks: impl futures::Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::of_length(None, chunks)
    }

    /// The same where the server has told how many bytes will come.
    pub(crate) fn of_length(
        length: Option<u64>,
        chunks: impl futures::Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self(Inner::Stream(chunks.boxed(), length))
    }

    /// How many bytes will come, as far as that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.0 {
            Inner::Whole(bytes) => Some(bytes.len() as u64),
            Inner::Stream(_, length) => *length,
        }
    }

    /// The chunks as they arrive.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        match self.0 {
            Inner::Whole(bytes) => stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed(),
            Inner::Stream(chunks, _) => chunks,
        }
    }

    /// All of it where it is at hand already.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Whole(bytes) => Some(bytes),
            Inner::Stream(..) => None,
        }
    }

    /// All of it; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) beyond `cap` bytes.
    ///
    /// # Errors
    /// When the body is cut in the middle, or is larger than `cap`.
    pub async fn collect(self, cap: u64) -> Result<Bytes> {
        self.collect_expecting(cap, 0).await
    }

    /// The same where about so many bytes are expected of a body of untold length: to grow would copy them several times.
    pub(crate) async fn collect_expecting(self, cap: u64, expected: usize) -> Result<Bytes> {
        let (mut chunks, length) = match self.0 {
            Inner::Whole(bytes) => return within(bytes, cap),
            Inner::Stream(chunks, length) => (chunks, length),
        };
        let Some(first) = chunks.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = chunks.next().await.transpose()? else { return within(first, cap) };
        let first = within(first, cap)?;
        let room = length.map_or(Ok(expected), usize::try_from).unwrap_or(usize::MAX).min(MOST_RESERVED);
        let mut all = BytesMut::with_capacity(room.max(first.len()));
        all.extend_from_slice(&first);
        drop(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if (all.len() + chunk.len()) as u64 > cap {
                return Err(Error::too_large(cap));
            }
            all.extend_from_slice(&chunk);
            next = chunks.next().await.transpose()?;
        }
        // What is kept of it, perhaps for long, has no more room than it needs, or not much more.
        Ok(if all.capacity() / 2 > all.len() { Bytes::copy_from_slice(&all) } else { all.freeze() })
    }
}

fn within(bytes: Bytes, cap: u64) -> Result<Bytes> {
    if bytes.len() as u64 > cap { Err(Error::too_large(cap)) } else { Ok(bytes) }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Inner::Whole(bytes))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Inner::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Inner::Stream(..) => f.write_str("Body(stream)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Sent};

    #[tokio::test]
    async fn bodies_are_collected_up_to_the_cap() {
        for (chunks, whole) in [
            (vec![], Some("")),
            (vec!["abcd"], Some("abcd")),
            (vec!["ab", "cd"], Some("abcd")),
            (vec!["a", "b", "c", "d"], Some("abcd")),
            (vec!["abcde"], None),
            (vec!["abcd", "e"], None),
            (vec!["a", "", "bcd", "e"], None),
        ] {
            let stream = stream::iter(chunks.clone().into_iter().map(|chunk| Ok(Bytes::from(chunk))));
            let joined = Body::from(Bytes::from(chunks.concat()));
            let length = chunks.concat().len() as u64;
            let told = |length| Body::of_length(Some(length), stream.clone());
            for body in [Body::from_stream(stream.clone()), told(length), told(0), told(u64::MAX), joined] {
                match (body.collect(4).await, whole) {
                    (Ok(bytes), Some(whole)) => assert_eq!(bytes, whole),
                    (Err(error), None) => assert_eq!(error.kind(), ErrorKind::TooLarge),
                    (result, whole) => panic!("{chunks:?}: {result:?} in place of {whole:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_cut_body_is_an_error_wherever_it_is_cut() {
        for before in 0..4 {
            let chunks = std::iter::repeat_n("a", before).map(|chunk| Ok(Bytes::from(chunk)));
            let cut = Err(Error::new(ErrorKind::Broken, Sent::Maybe, "cut"));
            let body = Body::from_stream(stream::iter(chunks.chain([cut]).collect::<Vec<_>>()));
            assert_eq!(body.collect(9).await.unwrap_err().kind(), ErrorKind::Broken, "after {before} chunks");
        }
    }
}
