//! Members of a zip archive: enough of the format for workbooks.
//!
//! Reference: PKWARE, *.ZIP File Format Specification* 6.3.10; no encryption, no Zip64, methods stored and deflate.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Longest list of members that is read, in bytes.
const MAX_DIRECTORY: u32 = 16 << 20;
/// Most of a member that is unpacked, in bytes; a few kilobytes can unpack to any size.
const MAX_MEMBER: u64 = 1 << 30;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// Where the content of a member lies.
#[derive(Clone, Copy, Debug)]
struct Member {
    method: u16,
    /// CRC-32 of the unpacked content.
    checksum: u32,
    packed: u32,
    offset: u32,
}

/// An open archive.
pub(super) struct Archive {
    file: File,
    members: BTreeMap<String, Member>,
}

fn broken(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the zip archive is broken: {message}"))
}

fn word(bytes: &[u8], at: usize) -> io::Result<u16> {
    let found = bytes.get(at..at + 2).and_then(|part| part.try_into().ok());
    found.map(u16::from_le_bytes).ok_or_else(|| broken("it ends early"))
}

fn double(bytes: &[u8], at: usize) -> io::Result<u32> {
    let found = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
    found.map(u32::from_le_bytes).ok_or_else(|| broken("it ends early"))
}

impl Archive {
    /// Reads the list of members.
    ///
    /// # Errors
    /// When the file cannot be read or is no archive of this kind.
    pub fn open(mut file: File) -> io::Result<Archive> {
        let length = file.seek(SeekFrom::End(0))?;
        // The end record lies before a comment of at most 65,535 bytes.
        let start = length.saturating_sub(22 + 65_535);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.by_ref().take(22 + 65_535).read_to_end(&mut tail)?;
        let end = tail.windows(4).rposition(|bytes| bytes == END).ok_or_else(|| broken("no list of members"))?;
        let (size, offset) = (double(&tail, end + 12)?, double(&tail, end + 16)?);
        if size > MAX_DIRECTORY {
            return Err(broken("the list of members is too long"));
        }
        file.seek(SeekFrom::Start(offset.into()))?;
        let mut list = vec![0; size as usize];
        file.read_exact(&mut list)?;
        let mut members = BTreeMap::new();
        let mut at = 0;
        while list.get(at..at + 4) == Some(&ENTRY) {
            let lengths = [word(&list, at + 28)?, word(&list, at + 30)?, word(&list, at + 32)?].map(usize::from);
            let name = list.get(at + 46..at + 46 + lengths[0]).ok_or_else(|| broken("a name ends early"))?;
            let member = Member {
                method: word(&list, at + 10)?,
                checksum: double(&list, at + 16)?,
                packed: double(&list, at + 20)?,
                offset: double(&list, at + 42)?,
            };
            members.insert(String::from_utf8_lossy(name).into_owned(), member);
            at += 46 + lengths.iter().sum::<usize>();
        }
        Ok(Archive { file, members })
    }

    /// The unpacked content of a member; `None` when there is none of this name.
    ///
    /// # Errors
    /// When the file cannot be read, or the member is packed in a way that is not read here.
    pub fn member(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let Some(member) = self.members.get(name) else {
            return Ok(None);
        };
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.offset.into()))?;
        let mut header = [0; 30];
        file.read_exact(&mut header)?;
        if header[..4] != LOCAL {
            return Err(broken("a member does not lie where the list says"));
        }
        let skipped = u64::from(word(&header, 26)?) + u64::from(word(&header, 28)?);
        let start = u64::from(member.offset) + 30 + skipped;
        let packed = BufReader::new(Part { file, at: start, left: member.packed.into() });
        let input: Box<dyn Read + Send> = match member.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            _ => return Err(broken("a member is packed with another method than deflate")),
        };
        Ok(Some(Box::new(Content { input, left: MAX_MEMBER, read: Crc::new(), checksum: member.checksum })))
    }
}

/// The unpacked content of a member. Its end is an error where the checksum differs, and so is more than the limit.
struct Content<R> {
    input: R,
    left: u64,
    read: Crc,
    checksum: u32,
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.read.sum() != self.checksum {
            return Err(broken("a member ends early or is damaged"));
        }
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| broken("a member unpacks to more than 1 GiB"))?;
        self.read.update(&buffer[..read]);
        Ok(read)
    }
}

/// A stretch of a file. It keeps its own place, since clones of a file share theirs.
struct Part {
    file: File,
    at: u64,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = self.file.read(&mut buffer[..wanted])?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_checked() {
        let mut whole = Crc::new();
        whole.update(b"rows");
        let read = |bytes: &[u8], left: u64| {
            let mut content = Content { input: bytes, left, read: Crc::new(), checksum: whole.sum() };
            let mut found = Vec::new();
            content.read_to_end(&mut found).map(|_| found).map_err(|error| error.to_string())
        };
        assert_eq!(read(b"rows", 4), Ok(b"rows".to_vec()));
        assert_eq!(read(b"row", 4).unwrap_err(), "the zip archive is broken: a member ends early or is damaged");
        assert_eq!(read(b"rows", 3).unwrap_err(), "the zip archive is broken: a member unpacks to more than 1 GiB");
    }
}
