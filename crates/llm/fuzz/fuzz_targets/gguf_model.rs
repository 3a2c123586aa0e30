//! Any bytes as a GGUF file of a language model: no panic in its configuration, its tokeniser, its tensors and in
//! packing them.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use omnivale_llm::checkpoint::Tensors;
use omnivale_llm::gguf::GgufModel;
use omnivale_llm::llama::Llama;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file for the target");
    file.write_all(bytes).expect("the file takes it");
    let Ok(model) = GgufModel::open(file.path()) else { return };
    if let Ok(tokenizer) = model.tokenizer() {
        let _ = tokenizer.decode(&tokenizer.encode("USER: when?</s>the dog"));
    }
    for name in ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"] {
        let _ = model.tensor(name);
    }
    let _ = Llama::new(model.config().clone(), &model);
});
