//! Flags of the linker that make the released program smaller, where the linker takes them.
//!
//! They are tried rather than deduced: which linker is used depends on the target, on the compiler's version and on its
//! user. The program does the same without them.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Functions with the same code become one, as those often are that differ only in types. Nothing may rely on the
/// addresses of functions being different: Rust promises it nowhere.
const SAME_CODE_ONCE: &str = "-Wl,--icf=all";

/// A program that needs a linker.
const PROGRAM: &str = "fn main() { println!(\"{}\", std::env::args().count()); }\n";

#[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_released = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_released && links_with(SAME_CODE_ONCE) {
        println!("cargo:rustc-link-arg-bins={SAME_CODE_ONCE}");
    }
}

/// Whether the linker of this target takes the flag.
fn links_with(flag: &str) -> bool {
    let (Some(rustc), Some(target), Some(folder)) =
        (env::var_os("RUSTC"), env::var_os("TARGET"), env::var_os("OUT_DIR"))
    else {
        return false;
    };
    let folder = Path::new(&folder);
    let source = folder.join("probe.rs");
    if std::fs::write(&source, PROGRAM).is_err() {
        return false;
    }
    let mut probe = Command::new(rustc);
    probe.arg(&source).arg("-o").arg(folder.join("probe")).arg("--target").arg(target);
    probe.args(user_flags()).arg("-C").arg(format!("link-arg={flag}"));
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What the user has set, which may name another linker.
fn user_flags() -> Vec<OsString> {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut flags: Vec<OsString> = flags.split('\x1f').filter(|flag| !flag.is_empty()).map(OsString::from).collect();
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        flags.extend([OsString::from("-C"), option]);
    }
    flags
}
