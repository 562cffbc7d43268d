use serde_json::json;

use super::*;
use crate::Tokenizer;

fn variables(pairs: &[(&str, &str)]) -> ChatVariables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!(value))).collect()
}

#[test]
fn default_template_is_minimal() {
    let template = ChatTemplate::new(CHAT_TEMPLATE).unwrap();
    let tokens = variables(&[("bos_token", "<|bos|>"), ("eos_token", "<|end|>")]);
    let messages = [ChatMessage::system("S"), ChatMessage::user("U")];
    let prompt = template.render(&messages, true, &tokens).unwrap();
    assert_eq!(prompt, "<|bos|>S<|user|>U<|assistant|>");
    let messages = [ChatMessage::user(" a\n"), ChatMessage::assistant("b\n"), ChatMessage::user("{{ c }}")];
    let text = template.render(&messages, false, &tokens).unwrap();
    assert_eq!(text, "<|bos|><|user|> a\n<|assistant|>b\n<|end|><|user|>{{ c }}");
}

#[test]
fn a_template_may_refuse() {
    let template =
        ChatTemplate::new("{% macro no(x) %}{{ raise_exception('no ' ~ x) }}{% endmacro %}{{ no(1) }}").unwrap();
    let error = template.render(&[], false, &ChatVariables::new()).unwrap_err();
    assert!(matches!(&error, ChatError::Refused(message) if message == "no 1"), "{error}");
    assert_eq!(error.to_string(), "chat template: this conversation is refused: no 1");
    assert!(matches!(ChatTemplate::new("{% for %}"), Err(ChatError::Template(_))));
    let template = ChatTemplate::new("{{ strftime_now('%') }}").unwrap();
    assert!(template.render(&[], false, &ChatVariables::new()).is_err());
}

#[test]
fn generation_tags_write_nothing() {
    let source = "a\r\n{%- generation -%}\n b {% endgeneration %}\nc{% generationx %}";
    assert_eq!(prepare(source), "a\n{%- with -%}\n b {% endwith %}\nc{% generationx %}");
}

fn chat_folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat")
}

/// `tests/fixtures/chat` was written by `transformers` (see `chat_templates.py` beside it).
#[test]
fn texts_equal_those_of_transformers() {
    let expected = std::fs::read_to_string(chat_folder().join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let conversations: Vec<Vec<ChatMessage>> = serde_json::from_value(expected["conversations"].clone()).unwrap();
    let time = jiff::civil::date(2026, 3, 7).at(15, 4, 5, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    let mut compared = 0;
    for (family, cases) in expected["families"].as_object().unwrap() {
        let tokenizer = Tokenizer::load(&chat_folder().join(family)).unwrap();
        let loaded = tokenizer.chat_template().unwrap();
        let fixed = ChatTemplate::new(loaded.source()).unwrap().at(time.clone());
        for case in cases.as_array().unwrap() {
            let number = case["conversation"].as_u64().unwrap() as usize;
            let given: ChatVariables = serde_json::from_value(case["variables"].clone()).unwrap();
            let prompt = case["add_generation_prompt"].as_bool().unwrap();
            let mut all = tokenizer.special_tokens().clone();
            all.extend(given.clone());
            let found = fixed.render(&conversations[number], prompt, &all);
            let place = format!("{family}, conversation {number}, {given:?}");
            match (found, case["text"].as_str()) {
                (Ok(found), Some(text)) => assert_eq!(found, text, "{place}"),
                (Err(ChatError::Refused(found)), None) => assert_eq!(found, case["refused"], "{place}"),
                (found, expected) => panic!("{place}: {found:?} {expected:?}"),
            }
            if !loaded.source().contains("strftime_now") {
                let found = tokenizer.render_with(&conversations[number], prompt, &given);
                assert_eq!(found.ok().as_deref(), case["text"].as_str(), "{place}");
            }
            compared += 1;
        }
    }
    assert_eq!((conversations.len(), compared), (10, 160));
}

#[test]
fn several_templates_need_a_default() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(chat_folder().join("mistral/tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    let load = |config: serde_json::Value| {
        std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).unwrap();
        Tokenizer::load(folder.path())
    };
    let message = load(json!({"chat_template": [{"name": "rag", "template": "x"}]})).unwrap_err().to_string();
    assert!(message.contains("tokenizer_config.json") && message.ends_with("there are: rag"), "{message}");
    let named =
        load(json!({"chat_template": {"rag": "x", "default": "{{ bos_token }}d"}, "bos_token": "<s>"})).unwrap();
    assert_eq!(named.render(&[], true).unwrap(), "<s>d");
    // The names of older folders.
    let tokens = r#"{"bos_token": {"content": "<t>"}, "eos_token": "</s>"}"#;
    std::fs::write(folder.path().join("special_tokens_map.json"), tokens).unwrap();
    let text = "{{ bos_token }}{{ eos_token }}";
    assert_eq!(load(json!({"chat_template": text})).unwrap().render(&[], true).unwrap(), "<t></s>");
    let described = json!({"chat_template": text, "bos_token": "<s>", "added_tokens_decoder": {}});
    assert_eq!(load(described).unwrap().render(&[], true).unwrap(), "<s>");
    assert!(load(json!({})).unwrap().render(&[], true).unwrap_err().to_string().contains("no chat template"));
}
