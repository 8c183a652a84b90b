//! What is at fault where data cannot be had, and whether that may pass.

use super::Error;
use std::io;

impl Error {
    /// Whether an image itself is at fault: its file is damaged, of no kind that is read, of a size that
    /// cannot be, or may not be read. Only such an image is left out where bad ones are to be skipped. What
    /// is wrong with the machine (a failing disk, too many open files), the settings or the data set (a file
    /// that is gone) would make another data set of it, silently.
    pub fn is_of_image(&self) -> bool {
        match self {
            Self::Read { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Image { source, .. } => source.is_of_image(),
            Self::NotAFile { .. }
            | Self::Malformed { .. }
            | Self::Unsupported { .. }
            | Self::Decode { .. }
            | Self::UnreadFormat { .. }
            | Self::ImageSize { .. } => true,
            _ => false,
        }
    }

    /// Whether trying again soon may help: network file systems fail for moments.
    pub(crate) fn may_pass(&self) -> bool {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
            NetworkUnreachable, NotConnected, ResourceBusy, StaleNetworkFileHandle, TimedOut, WouldBlock,
        };
        const EIO: i32 = 5; // has no kind; the same number on every Unix
        let passes = |error: &io::Error| {
            cfg!(unix) && error.raw_os_error() == Some(EIO)
                || matches!(
                    error.kind(),
                    ConnectionAborted
                        | ConnectionReset
                        | HostUnreachable
                        | Interrupted
                        | NetworkDown
                        | NetworkUnreachable
                        | NotConnected
                        | ResourceBusy
                        | StaleNetworkFileHandle
                        | TimedOut
                        | WouldBlock
                )
        };
        match self {
            Self::Read { source, .. } | Self::Temporary { source, .. } => passes(source),
            Self::Image { source, .. } => source.may_pass(),
            _ => false,
        }
    }
}
