//! One file of kept pages: what is whole in it, and appending to it. Who has it, has its lock.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

use super::record::{self, HEAD, HEADER, Header};
use crate::permissions;

/// An open file, locked by this process.
#[derive(Debug)]
pub(super) struct PageFile {
    file: File,
    /// Where the next record begins.
    end: u64,
}

/// Where the records of a file are, by the digests of their requests; of several the last.
pub(super) type Index = HashMap<[u8; 32], Place>;

/// A record of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Where its content begins.
    at: u64,
    pub(super) header: Header,
}

impl PageFile {
    /// Opens and locks the file at `path`, and makes it if need be. `None` when somebody else has it.
    pub(super) fn lock(path: &Path) -> Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = permissions::private(&mut options).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Looks through a locked file of this statement, and cuts off what is not whole: the record that was being written when
    /// its process died, or all of it if it is no such file.
    pub(super) fn read(mut file: File, name: &[u8; 32]) -> Result<(Self, Index)> {
        let length = file.metadata()?.len();
        let (mut index, mut end) = (Index::new(), HEAD as u64);
        let mut head = [0; HEAD];
        file.rewind()?;
        if length < end || file.read_exact(&mut head).is_err() || head != record::head(name) {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&record::head(name))?;
            return Ok((Self { file, end }, index));
        }
        while let Some(header) = next(&mut file, end, length)? {
            index.insert(header.digest, Place { at: end + HEADER as u64, header });
            end += header.record();
        }
        if end < length {
            file.set_len(end)?;
        }
        Ok((Self { file, end }, index))
    }

    /// Bytes of all records and the head.
    pub(super) fn bytes(&self) -> u64 {
        self.end
    }

    /// Appends a record. One that fails leaves the file as it was, as far as the system lets it: what is left of it is cut
    /// off when the file is read.
    pub(super) fn append(&mut self, header: &Header, meta: &[u8], body: &[u8]) -> Result<()> {
        let mut front = Vec::with_capacity(HEADER + meta.len());
        front.extend_from_slice(&header.encode());
        front.extend_from_slice(meta);
        let file = &mut self.file;
        let done = file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| file.write_all(&front))
            .and_then(|()| file.write_all(body));
        match done {
            Ok(()) => self.end += header.record(),
            Err(_) => drop(file.set_len(self.end)),
        }
        done
    }

    /// `meta` and `body` of a record; `None` when they are not what was written.
    pub(super) fn content(&mut self, place: &Place) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let length = |bytes: u32| usize::try_from(bytes).map_err(|_| Error::from(ErrorKind::OutOfMemory));
        let mut meta = vec![0; length(place.header.meta)?];
        let mut body = vec![0; length(place.header.body)?];
        self.file.seek(SeekFrom::Start(place.at))?;
        self.file.read_exact(&mut meta)?;
        self.file.read_exact(&mut body)?;
        Ok((record::checksum(&[&meta, &body]) == place.header.checksum).then_some((meta, body)))
    }

    /// Empties it of all records.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.file.set_len(HEAD as u64)?;
        self.end = HEAD as u64;
        Ok(())
    }
}

/// The header of the record at `at`, if all of the record is in the file.
fn next(file: &mut File, at: u64, length: u64) -> Result<Option<Header>> {
    if length.saturating_sub(at) < HEADER as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(Header::decode(&bytes).filter(|header| header.record() <= length - at))
}
