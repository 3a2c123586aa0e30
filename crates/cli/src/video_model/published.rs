//! Names that the papers' models are published under (formats.md §5).

/// The file that says what a model is made of.
pub(crate) const MANIFEST: &str = "model.toml";
/// The base model's folder.
pub(crate) const BASE: &str = "vicuna-7b-v1.5";
/// The visual projector of LongVALE-LLM, which comes from VTimeLLM.
pub(crate) const VTIMELLM_PROJECTOR: &str = "vtimellm_stage1_mm_projector.bin";
/// A visual projector as the training code names it.
pub(crate) const PROJECTOR: &str = "mm_projector.bin";
/// AVicuna's projector of audio.
pub(crate) const AVICUNA_AUDIO_PROJECTOR: &str = "mm_projector_a.bin";
/// LongVALE's stages, in the order in which they are merged.
pub(crate) const LONGVALE_STAGES: [&str; 2] =
    ["longvale-vicuna-v1-5-7b-stage2-bp", "longvale-vicuna-v1-5-7b-stage3-it"];
/// AVicuna's.
pub(crate) const AVICUNA_STAGES: [&str; 2] = ["stage3", "stage4"];

/// Names of encoders, the published ones and those of the packages that the papers' code uses; the first that is there
/// counts.
pub(crate) const VISUAL_ENCODERS: [&str; 2] = ["ViT-L-14.pt", "clip-vit-large-patch14"];
/// LongVALE's of audio.
pub(crate) const BEATS_ENCODERS: [&str; 2] =
    ["BEATs_iter3_plus_AS20K.pt", "BEATs_iter3_plus_AS2M.pt"];
/// AVicuna's.
pub(crate) const CLAP_ENCODERS: [&str; 2] = ["630k-fusion-best.pt", "clap-htsat-fused"];
/// LongVALE's of speech.
pub(crate) const SPEECH_ENCODERS: [&str; 3] =
    ["large-v2.pt", "whisper-large-v2", "openai-whisper-large-v2"];
