//! The language model with its tokeniser, the projectors, the stages.

use omnivale_llm::conversation::QuerySet;
use omnivale_llm::llama::Config;
use omnivale_llm::projector::{AUDIO, AVICUNA_AUDIO, SPEECH, VISUAL};
use omnivale_llm::tokenizer::learned_model;
use omnivale_weights::Kind;
use omnivale_weights::write::Announced;
use serde_json::{Value, json};

use super::files::{Folder, Form, tensor};
use super::random::Fill;
use crate::args::{BaseFormat, DtypeChoice, ModelInitArgs, RecipeChoice, SizeChoice};
use crate::exit::usage;
use crate::video_model::published;

/// Words that the tokeniser learns, beside the questions themselves.
const WORDS: &str = "A chat between a curious user and an artificial intelligence assistant. The assistant gives \
    helpful, detailed, and polite answers to the user's questions. USER: ASSISTANT: From to, \
    a man speaks while a dog barks in the background and music plays. a woman walks to the camera and \
    people are talking. two people shake hands in front of a desk. then the crowd is cheering, a car passes by, \
    the video shows someone with a guitar singing on the stage, in the kitchen, at the beach, near the road.";

/// The shape of everything.
pub(super) struct Shape {
    pub(super) config: Config,
    pub(super) rank: usize,
    pub(super) recipe: RecipeChoice,
    pub(super) visual: usize,
    pub(super) audio: usize,
    pub(super) speech: usize,
    base: Kind,
    form: Form,
}

impl Shape {
    /// What the arguments ask for.
    pub(super) fn of(args: &ModelInitArgs) -> anyhow::Result<Self> {
        let [hidden, inner, layers, heads, key_heads, vocabulary, positions] = match args.size {
            SizeChoice::Tiny => [64, 128, 2, 4, 4, 640, 4096],
            SizeChoice::Billion => [2048, 5632, 22, 32, 4, 32_000, 2048],
            SizeChoice::SevenBillion => [4096, 11_008, 32, 32, 32, 32_000, 4096],
        };
        let or = |asked: Option<u32>, usual: u32| asked.unwrap_or(usual) as usize;
        let heads_asked = or(args.heads, heads);
        // Fewer query heads than the size has key heads: then as many of both.
        let key_heads =
            args.key_heads.map_or((key_heads as usize).min(heads_asked), |it| it as usize);
        let hidden = or(args.hidden, hidden);
        if !hidden.is_multiple_of(heads_asked) || !(hidden / heads_asked).is_multiple_of(2) {
            return Err(usage(format!(
                "a width of {hidden} cannot be divided among {heads_asked} heads of an even width"
            )));
        }
        if !heads_asked.is_multiple_of(key_heads) {
            return Err(usage(format!(
                "{key_heads} key heads cannot serve {heads_asked} query heads: the first must divide the second"
            )));
        }
        let config = Config {
            vocab_size: or(args.vocabulary, vocabulary),
            hidden_size: hidden,
            intermediate_size: or(args.inner, inner),
            num_hidden_layers: or(args.layers, layers),
            num_attention_heads: heads_asked,
            num_key_value_heads: key_heads,
            head_dim: hidden / heads_asked,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            tie_word_embeddings: false,
            max_position_embeddings: positions as usize,
        };
        let usual_audio = match args.recipe {
            RecipeChoice::Longvale => 768,
            RecipeChoice::Avicuna => 512,
        };
        Ok(Self {
            config,
            rank: or(args.rank, if args.size == SizeChoice::Tiny { 4 } else { 64 }),
            recipe: args.recipe,
            visual: args.visual_width as usize,
            audio: or(args.audio_width, usual_audio),
            speech: args.speech_width as usize,
            base: match args.dtype {
                DtypeChoice::F32 => Kind::F32,
                DtypeChoice::Bf16 => Kind::Bf16,
                DtypeChoice::F16 => Kind::F16,
            },
            form: match args.base_format {
                BaseFormat::Safetensors => Form::Safetensors,
                BaseFormat::Bin => Form::Torch,
            },
        })
    }

    fn config_json(&self, model_type: &str, architecture: &str) -> Value {
        let config = &self.config;
        let dtype = match self.base {
            Kind::Bf16 => "bfloat16",
            Kind::F16 => "float16",
            _ => "float32",
        };
        json!({
            "architectures": [architecture],
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": config.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": config.intermediate_size,
            "max_position_embeddings": config.max_position_embeddings,
            "model_type": model_type,
            "num_attention_heads": config.num_attention_heads,
            "num_hidden_layers": config.num_hidden_layers,
            "num_key_value_heads": config.num_key_value_heads,
            "pad_token_id": 0,
            "pretraining_tp": 1,
            "rms_norm_eps": config.rms_norm_eps,
            "rope_scaling": null,
            "tie_word_embeddings": config.tie_word_embeddings,
            "torch_dtype": dtype,
            "transformers_version": "4.31.0",
            "use_cache": true,
            "vocab_size": config.vocab_size,
        })
    }

    /// Names of the stages' folders, in the order in which they are merged.
    pub(super) fn stages(&self) -> [&'static str; 2] {
        match self.recipe {
            RecipeChoice::Longvale => published::LONGVALE_STAGES,
            RecipeChoice::Avicuna => published::AVICUNA_STAGES,
        }
    }

    /// The projectors' files: name, the name of the tensors in it, and the width of the features.
    pub(super) fn projectors(&self) -> Vec<(&'static str, &'static str, usize)> {
        match self.recipe {
            RecipeChoice::Longvale => vec![(published::VTIMELLM_PROJECTOR, VISUAL, self.visual)],
            RecipeChoice::Avicuna => vec![
                (published::PROJECTOR, VISUAL, self.visual),
                (published::AVICUNA_AUDIO_PROJECTOR, AVICUNA_AUDIO, self.audio),
            ],
        }
    }

    /// Weight `[out, in]` of every linear layer that an adapter changes.
    fn adapted(&self) -> Vec<Announced> {
        let all = self.config.tensors().into_iter();
        all.filter(|(name, shape)| name.contains(".layers.") && shape.len() == 2)
            .map(|(name, shape)| tensor(name, Kind::Bf16, &shape))
            .collect()
    }
}

/// The base model's folder.
pub(super) fn base(shape: &Shape, folder: &mut Folder) -> anyhow::Result<()> {
    let base = published::BASE;
    let name = |file: &str| format!("{base}/{file}");
    folder.json(&name("config.json"), &shape.config_json("llama", "LlamaForCausalLM"))?;
    folder.json(
        &name("generation_config.json"),
        &json!({
            "bos_token_id": 1, "eos_token_id": 2, "max_length": 4096, "pad_token_id": 0,
            "temperature": 0.9, "top_p": 0.6, "transformers_version": "4.31.0",
        }),
    )?;
    let released = QuerySet::Released;
    let questions =
        [released.captioning(), released.grounding("a man"), released.segment_captioning(0, 0)];
    let text = format!("{WORDS} {}", questions.join(" "));
    folder.bytes(&name("tokenizer.model"), &learned_model(&text, shape.config.vocab_size))?;
    folder.json(
        &name("tokenizer_config.json"),
        &json!({
            "add_bos_token": true, "add_eos_token": false, "bos_token": "<s>", "eos_token": "</s>",
            "legacy": false, "model_max_length": 2048, "pad_token": null, "padding_side": "right",
            "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>",
        }),
    )?;
    folder.json(
        &name("special_tokens_map.json"),
        &json!({"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>"}),
    )?;
    let tensors: Vec<Announced> = shape
        .config
        .tensors()
        .into_iter()
        .map(|(name, dims)| tensor(name, shape.base, &dims))
        .collect();
    folder.model(base, shape.form, &tensors)
}

fn projector(prefix: &str, name: &str, inputs: usize, width: usize) -> [Announced; 2] {
    [
        tensor(format!("{prefix}.{name}.weight"), Kind::Bf16, &[width, inputs]),
        tensor(format!("{prefix}.{name}.bias"), Kind::Bf16, &[width]),
    ]
}

/// The projectors that have files of their own.
pub(super) fn projectors(shape: &Shape, folder: &mut Folder) -> anyhow::Result<()> {
    for (file, name, inputs) in shape.projectors() {
        let tensors = projector("model", name, inputs, shape.config.hidden_size);
        folder.tensors(file, Form::Torch, &tensors, Fill::of)?;
    }
    Ok(())
}

/// The later stages.
pub(super) fn stages(shape: &Shape, folder: &mut Folder) -> anyhow::Result<()> {
    let (model_type, architecture) = match shape.recipe {
        RecipeChoice::Longvale => ("LongVALE-LLM", "LongVALELLMLlamaForCausalLM"),
        RecipeChoice::Avicuna => ("AVicuna", "AVicunaLlamaForCausalLM"),
    };
    let width = shape.config.hidden_size;
    for stage in shape.stages() {
        let name = |file: &str| format!("{stage}/{file}");
        folder.json(&name("config.json"), &shape.config_json(model_type, architecture))?;
        folder.json(
            &name("adapter_config.json"),
            &json!({
                "auto_mapping": null,
                "base_model_name_or_path": format!("./checkpoints/{}", published::BASE),
                "bias": "none", "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
                "layers_pattern": null, "layers_to_transform": null, "lora_alpha": 2 * shape.rank,
                "lora_dropout": 0.05, "modules_to_save": null, "peft_type": "LORA", "r": shape.rank,
                "revision": null,
                "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                "task_type": "CAUSAL_LM",
            }),
        )?;
        let halves: Vec<Announced> = shape
            .adapted()
            .into_iter()
            .flat_map(|weight| {
                let module = weight.name.strip_suffix(".weight").unwrap_or(&weight.name);
                let name = |half: &str| format!("base_model.model.{module}.lora_{half}.weight");
                [
                    tensor(name("A"), Kind::Bf16, &[shape.rank, weight.shape[1]]),
                    tensor(name("B"), Kind::Bf16, &[weight.shape[0], shape.rank]),
                ]
            })
            .collect();
        // A tenth of what a matrix of this shape has elsewhere: adapters change models, they do not drown them.
        folder.tensors(&name("adapter_model.bin"), Form::Torch, &halves, |tensor| {
            match (tensor.name.contains("lora_B"), Fill::of(tensor)) {
                (true, Fill::Spread(deviation)) => Fill::Spread(deviation / 10.0),
                (_, fill) => fill,
            }
        })?;
        let whole: Vec<Announced> = match shape.recipe {
            RecipeChoice::Longvale => [(AUDIO, shape.audio), (SPEECH, shape.speech)]
                .into_iter()
                .flat_map(|(name, inputs)| projector("base_model.model.model", name, inputs, width))
                .collect(),
            // Frozen in these stages: the file is there and has nothing in it.
            RecipeChoice::Avicuna => Vec::new(),
        };
        folder.tensors(&name("non_lora_trainables.bin"), Form::Torch, &whole, Fill::of)?;
    }
    Ok(())
}
