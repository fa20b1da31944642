//! Who is at the other end of a Unix socket: each system's way of telling.
//!
//! The kernel took them when the connection was made (`connect`, `listen` or `socketpair`): they
//! are those of the process that did that, whoever holds the descriptor since. Credentials that
//! travel beside the bytes are control messages ([`cmsg`](crate::cmsg)).

use std::{io, os::fd::BorrowedFd};

use crate::cmsg::Credentials;

/// Who is at the other end of a connected Unix socket: the process that connected, listened or
/// made the pair, as it was then, with its *effective* user and group. The process may have ended
/// since, and another may have its number. Makes one system call, two on Apple.
///
/// # Errors
///
/// `ENOTCONN` if there is no other end; `EINVAL`, `ENOPROTOOPT` or `EOPNOTSUPP` for a socket of
/// another family.
///
/// # Platform notes
///
/// | system | by | process id |
/// | --- | --- | --- |
/// | Linux, Android | `SO_PEERCRED` | yes |
/// | OpenBSD | `SO_PEERCRED` | yes |
/// | Apple | `LOCAL_PEERCRED`, `LOCAL_PEERPID` | yes |
/// | FreeBSD | `LOCAL_PEERCRED` | since 13 |
/// | NetBSD | `LOCAL_PEEREID` | yes |
/// | DragonFly | `getpeereid` | no |
///
/// Linux reports the user and group 65534 ("overflow") for ids that this user namespace has not,
/// and the process id 0 for a process of a namespace that this one does not see: that is `None`
/// here. A listening socket, and on Linux a socket without a peer, has its own credentials or none.
///
/// # References
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SO_PEERCRED`,
/// [getpeereid(3)](https://man.openbsd.org/getpeereid.3)
#[doc(alias = "SO_PEERCRED")]
#[doc(alias = "LOCAL_PEERCRED")]
#[doc(alias = "getpeereid")]
#[inline]
pub fn peer_credentials(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
    system::ask(fd)
}

/// Reads an option that is a structure of integers.
///
/// # Safety
///
/// `T` consists of integers, so that any bytes are a value of it, and the option is plain data.
#[cfg(not(edgewake_has = "getpeereid"))]
unsafe fn get<T: Copy>(fd: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<T> {
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    let start = value.as_mut_ptr().cast::<u8>();
    // SAFETY: the memory is a whole `T`, zeroed and so initialised, and ours alone.
    let room = unsafe { std::slice::from_raw_parts_mut(start, size_of::<T>()) };
    // SAFETY: the caller promises that the option is plain data.
    let length = unsafe { crate::sockopt::get_bytes(fd, level, name, room) }?;
    if length < size_of::<T>() {
        let message = format!("the kernel gave peer credentials of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    // SAFETY: it is initialised, and the caller promises that any bytes are a `T`.
    Ok(unsafe { value.assume_init() })
}

#[cfg(edgewake_has = "peer_ucred")]
mod system {
    use super::{BorrowedFd, Credentials, get, io};

    #[inline]
    pub(super) fn ask(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
        // A `ucred`, which older versions of libc lack for Android.
        // SAFETY: integers; so the option is plain data.
        let found: [u32; 3] = unsafe { get(fd, libc::SOL_SOCKET, libc::SO_PEERCRED) }?;
        let [pid, uid, gid] = found;
        // What the kernel says of a socket without a peer (`cred_to_ucred` of none).
        if found == [0, u32::MAX, u32::MAX] {
            return Err(io::Error::from_raw_os_error(libc::ENOTCONN));
        }
        Ok(Credentials::told(pid as libc::pid_t, uid, gid))
    }
}

#[cfg(edgewake_has = "peer_sockpeercred")]
mod system {
    use super::{BorrowedFd, Credentials, get, io};

    #[inline]
    pub(super) fn ask(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
        // SAFETY: `sockpeercred` consists of integers; so the option is plain data.
        let found: libc::sockpeercred = unsafe { get(fd, libc::SOL_SOCKET, libc::SO_PEERCRED) }?;
        Ok(Credentials::told(found.pid, found.uid, found.gid))
    }
}

#[cfg(edgewake_has = "peer_unpcbid")]
mod system {
    use super::{BorrowedFd, Credentials, get, io};

    /// The level of the options of the Unix family: unix(4) says 0, libc has no name for it.
    const SOL_LOCAL: i32 = 0;

    #[inline]
    pub(super) fn ask(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
        // SAFETY: `unpcbid` consists of integers; so the option is plain data.
        let found: libc::unpcbid = unsafe { get(fd, SOL_LOCAL, libc::LOCAL_PEEREID) }?;
        let (uid, gid, pid) = (found.unp_euid, found.unp_egid, found.unp_pid);
        Ok(Credentials::told(pid, uid, gid))
    }
}

#[cfg(any(edgewake_has = "peer_xucred_pid", edgewake_has = "peer_local_pid"))]
mod system {
    use super::{BorrowedFd, Credentials, get, io};

    #[inline]
    pub(super) fn ask(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
        // SAFETY: `xucred` consists of integers (FreeBSD: and a union of a pid and a pointer that
        // the kernel sets to null, of which only the pid is read); so the option is plain data.
        let found: libc::xucred = unsafe { get(fd, libc::SOL_LOCAL, libc::LOCAL_PEERCRED) }?;
        if found.cr_version != libc::XUCRED_VERSION {
            let message = format!("xucred has version {}", found.cr_version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        // The first group is the effective one (unix(4), "LOCAL_PEERCRED").
        let (uid, gid) = (found.cr_uid, found.cr_groups[0]);
        Ok(Credentials::told(pid(fd, &found)?, uid, gid))
    }

    #[cfg(edgewake_has = "peer_xucred_pid")]
    fn pid(_: BorrowedFd<'_>, found: &libc::xucred) -> io::Result<libc::pid_t> {
        // SAFETY: every bit pattern is a pid; kernels before 13 leave it zero.
        Ok(unsafe { found.cr_pid__c_anonymous_union.cr_pid })
    }

    #[cfg(edgewake_has = "peer_local_pid")]
    fn pid(fd: BorrowedFd<'_>, _: &libc::xucred) -> io::Result<libc::pid_t> {
        // SAFETY: the option is an int.
        unsafe { get(fd, libc::SOL_LOCAL, libc::LOCAL_PEERPID) }
    }
}

#[cfg(edgewake_has = "getpeereid")]
mod system {
    use std::os::fd::AsRawFd;

    use super::{BorrowedFd, Credentials, io};

    #[inline]
    pub(super) fn ask(fd: BorrowedFd<'_>) -> io::Result<Credentials> {
        let (mut uid, mut gid) = (0, 0);
        // SAFETY: both are room for what the call writes.
        unsafe { syscall!(getpeereid(fd.as_raw_fd(), &mut uid, &mut gid)) }?;
        Ok(Credentials::new(None, uid, gid))
    }
}
