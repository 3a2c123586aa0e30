//! The help texts of the commands that make and ask models.

use crate::support::{expect, run, stdout};

fn help(arguments: &[&str]) -> String {
    let output = run(&[arguments, &["--help"]].concat());
    expect(&output, 0);
    stdout(&output)
}

#[test]
fn help_of_every_command_about_models() {
    for (name, arguments) in [
        ("model_init", &["model", "init"][..]),
        ("model_inspect", &["model", "inspect"]),
        ("model_convert", &["model", "convert"]),
        ("model_merge", &["model", "merge"]),
        ("model_quantize", &["model", "quantize"]),
        ("predict", &["predict"]),
        ("ask", &["ask"]),
        ("ground", &["ground"]),
        ("describe", &["describe"]),
        ("chat", &["chat"]),
    ] {
        insta::assert_snapshot!(format!("help_{name}"), help(arguments));
    }
}
