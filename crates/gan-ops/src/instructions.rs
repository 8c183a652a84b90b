//! Which vector instructions compute.

/// The vector instructions that this machine computes with, as far as the last bits of results depend on them: `AMX`,
/// `AVX-512`, `AVX2`, `NEON` or `none`. The same program gives the same bits on machines of one answer, as far as it was
/// tried; on others the last bits differ.
pub fn instructions() -> &'static str {
    if crate::bf16_is_fast() {
        return "AMX";
    }
    #[cfg(target_arch = "x86_64")]
    return match (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx2")) {
        (true, _) => "AVX-512",
        (false, true) => "AVX2",
        (false, false) => "none",
    };
    #[cfg(target_arch = "aarch64")]
    return "NEON";
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return "none";
}
