//! A response body: a stream of chunks, or all of it at once.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};

use crate::{Error, Result};

/// A response body, already decompressed.
pub struct Body(Inner);

enum Inner {
    Whole(Bytes),
    Stream(BoxStream<'static, Result<Bytes>>),
}

impl Body {
    /// A body that arrives in chunks. An error ends it.
    pub fn from_stream(chunks: impl futures::Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self(Inner::Stream(chunks.boxed()))
    }

    /// The chunks as they arrive.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        match self.0 {
            Inner::Whole(bytes) => stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed(),
            Inner::Stream(chunks) => chunks,
        }
    }

    /// All of it where it is at hand already.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        match &self.0 {
            Inner::Whole(bytes) => Some(bytes),
            Inner::Stream(_) => None,
        }
    }

    /// All of it; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) beyond `cap` bytes.
    ///
    /// # Errors
    /// When the body is cut in the middle, or is larger than `cap`.
    pub async fn collect(self, cap: u64) -> Result<Bytes> {
        let mut chunks = match self.0 {
            Inner::Whole(bytes) => return within(bytes, cap),
            Inner::Stream(chunks) => chunks,
        };
        let Some(first) = chunks.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = chunks.next().await.transpose()? else { return within(first, cap) };
        let mut all = BytesMut::from(within(first, cap)?);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if (all.len() + chunk.len()) as u64 > cap {
                return Err(Error::too_large(cap));
            }
            all.extend_from_slice(&chunk);
            next = chunks.next().await.transpose()?;
        }
        Ok(all.freeze())
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
            Inner::Stream(_) => f.write_str("Body(stream)"),
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
            for body in [Body::from_stream(stream), joined] {
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
