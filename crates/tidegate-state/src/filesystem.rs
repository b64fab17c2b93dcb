//! Refuses network file systems: SQLite's locks and the memory shared by WAL do not hold between their hosts
//! (<https://www.sqlite.org/wal.html>, <https://www.sqlite.org/faq.html#q5>).
//!
//! Linux only, by `/proc/self/mountinfo`; elsewhere nothing is known and nothing is refused.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind};

/// Types of file systems that several hosts share. `9p` and `virtiofs` are not among them: they carry the
/// host's folders into a guest (WSL, containers), all of whose processes see one kernel's locks.
const NETWORK: &[&str] = &[
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.davfs2",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
];

/// Fails when the folder, which exists, lies on a network file system.
pub(crate) fn refuse_network(folder: &Path) -> Result<(), Error> {
    let Ok(mounts) = std::fs::read("/proc/self/mountinfo") else { return Ok(()) };
    let real = folder.canonicalize().map_err(|source| {
        Error::io("resolve the state folder", folder, "choose another folder with --state", source)
    })?;
    match filesystem_of(&String::from_utf8_lossy(&mounts), &real) {
        Some(kind) if NETWORK.contains(&kind) => Err(Error::new(
            ErrorKind::Folder,
            format!(
                "the state folder '{}' is on a network file system ({kind}), where locks between processes do not \
                 hold; choose a folder on a local disk with --state",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Type of the file system that holds `path` (absolute, without links), by the text of a `mountinfo` file
/// (proc_pid_mountinfo(5)): the mount point is the fifth field, the type the first one after ` - `. Of several
/// mounts on one point the last hides the others.
fn filesystem_of<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((fields, source)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (fields.split(' ').nth(4), source.split(' ').next()) else { continue };
        let point = PathBuf::from(unescape(point));
        let depth = point.components().count();
        if path.starts_with(&point) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, kind));
        }
    }
    best.map(|(_, kind)| kind)
}

/// Blank, tab, newline and backslash stand as three octal digits after a backslash.
fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/local\\040disk rw - xfs /dev/vdb rw
32 22 0:42 / /mnt rw - ext4 /dev/vdc rw
33 22 0:43 / /mnt rw - fuse.sshfs me@host: rw
34 22 0:44 / /homes rw - btrfs /dev/vdd rw
";

    #[test]
    fn the_deepest_and_last_mount_holds_a_path() {
        let cases = [
            ("/", "ext4"),
            ("/var/lib", "ext4"),
            ("/home/me/state", "nfs4"),
            ("/home/me/local disk/state", "xfs"),
            ("/mnt/state", "fuse.sshfs"),
            ("/homes/me", "btrfs"),
        ];
        for (path, kind) in cases {
            assert_eq!(filesystem_of(MOUNTS, Path::new(path)), Some(kind), "{path}");
        }
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        for text in ["", "\n\n", "a b c", "1 2 3 4 - ", " - x"] {
            assert_eq!(filesystem_of(text, Path::new("/a")), None, "{text:?}");
        }
    }

    #[test]
    fn network_types_are_found_and_local_ones_not() {
        for kind in ["nfs4", "cifs", "fuse.sshfs"] {
            assert!(NETWORK.contains(&kind), "{kind}");
        }
        for kind in ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "9p", "virtiofs", "fuse", "zfs"] {
            assert!(!NETWORK.contains(&kind), "{kind}");
        }
    }
}
