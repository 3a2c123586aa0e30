use super::*;

/// Operations in front of what a test adds, and `STOP`.
fn pickle(operations: &[u8]) -> Vec<u8> {
    [b"\x80\x02".as_slice(), operations, b"."].concat()
}

fn refused(operations: &[u8]) -> String {
    read(&pickle(operations)).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn plain_values_are_read() {
    let bytes = pickle(b"]q\x00(NK\x07M\x00\x01J\xfe\xff\xff\xff\x8a\x01\xfe\x88G\x3f\xf8\0\0\0\0\0\0X\x02\0\0\0hie");
    let pickle = read(&bytes).unwrap();
    let Node::List(items) = &pickle.nodes[pickle.root] else { panic!("the root is a list") };
    let items: Vec<&Node<'_>> = items.iter().map(|item| &pickle.nodes[*item]).collect();
    let expected = [
        &Node::None,
        &Node::Int(7),
        &Node::Int(256),
        &Node::Int(-2),
        &Node::Int(-2),
        &Node::Bool(true),
        &Node::Float(1.5),
        &Node::Text("hi"),
    ];
    assert_eq!(items, expected);
    assert_eq!(pickle.length, bytes.len());
}

#[test]
fn every_other_global_is_refused_by_name() {
    for (module, name) in [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch", "storage.FloatStorage"),
        ("torch._utils", "_rebuild_tensor_v3"),
        ("collections", "OrderedDict.__init__"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "load"),
        ("__torch__os", "system"),
        ("torch.jit._pickle", "run"),
        ("_codecs", "open"),
    ] {
        let message = refused(format!("c{module}\n{name}\n(X\x04\0\0\0exittR").as_bytes());
        assert_eq!(message, format!("byte 2 asks for {module}.{name}"));
        let short = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
        let stacked = [short(module), short(name), vec![0x93]].concat();
        assert!(refused(&stacked).ends_with(&format!("asks for {module}.{name}")));
    }
    let long = refused(&[b"c".as_slice(), &[b'x'; 5000], b"\n\xff\n"].concat());
    assert!(long.len() < 200 && long.contains("\\xff"), "{long}");
}

/// What `pickle.dumps` of `{"a": numpy.float64(1.5), "b": 7}` writes in protocol 2.
#[test]
fn a_number_of_numpys_is_passed_over() {
    for module in ["numpy.core.multiarray", "numpy._core.multiarray"] {
        let bytes = pickle(
            &[
                b"}q\0(X\x01\0\0\0aq\x01c".as_slice(),
                module.as_bytes(),
                b"\nscalar\nq\x02cnumpy\ndtype\nq\x03X\x02\0\0\0f8q\x04\x89\x88\x87q\x05Rq\x06(K\x03X\x01\0\0\0<",
                b"q\x07NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq\x08bc_codecs\nencode\nq\x09X\x09\0\0\0",
                b"\0\0\0\0\0\0\xc3\xb8?q\x0aX\x06\0\0\0latin1q\x0b\x86q\x0cRq\x0d\x86q\x0eRq\x0f",
                b"X\x01\0\0\0bK\x07u",
            ]
            .concat(),
        );
        let pickle = read(&bytes).unwrap();
        let Node::Dict(entries) = &pickle.nodes[pickle.root] else { panic!("a dictionary") };
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| (&pickle.nodes[*key], &pickle.nodes[*value]))
            .collect();
        let expected = [(&Node::Text("a"), &Node::Foreign), (&Node::Text("b"), &Node::Int(7))];
        assert_eq!(entries, expected);
    }
}

#[test]
fn operations_that_make_objects_are_refused() {
    for operation in [b'i', b'o', b'I', b'L', b'S', b'V', b'P', 0x82, 0x92, 0x8f, 0x90, 0x91, 0x96]
    {
        let message = refused(&[b'(', operation]);
        assert!(message.contains("none that tensors need"), "{operation:#x}: {message}");
    }
    assert!(refused(b"ccollections\nOrderedDict\nK\x01\x85R").contains("not pairs"));
    assert!(refused(b"ctorch\nFloatStorage\n)R").contains("does not take"));
    assert!(refused(b"N)R").contains("does not take"));
    assert!(refused(b"N}b").contains("attributes of what has none"));
    assert!(refused(b"ccollections\nOrderedDict\n)\x81").contains("no part of TorchScript's"));
    assert!(refused(b"c__torch__\nM\nK\x01\x85\x81").contains("no part of TorchScript's"));
    assert!(refused(b"c__torch__\nM\n)R").contains("does not take"));
    assert!(refused(b"c__torch__\nM\n)\x81Nb").contains("attributes of what has none"));
    assert!(refused(b"c__torch__\nM\n)\x81}b}b").contains("attributes of what has none"));
}

#[test]
fn a_stack_that_does_not_add_up_is_refused() {
    for operations in [
        b"0".as_slice(),
        b"(0",
        b"N(s",
        b"t",
        b"\x85",
        b"h\x07",
        b"q\x07",
        b"(q\x01",
        b"Na",
        b"N(Ne",
        b"](NaR",
    ] {
        assert!(read(&pickle(operations)).is_err(), "{operations:?}");
    }
    assert!(refused(b"}(Nu").contains("without a value"));
    assert!(read(b"\x80\x06N.").is_err() && read(b"\x80\x01N.").is_err());
}

#[test]
fn a_length_longer_than_the_file_is_a_cut_off_file() {
    for operations in [
        b"X\xff\xff\xff\xff".as_slice(),
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"B\xff\xff\xff\xff",
        b"\x8a\xff",
        b"ctorch\nFloat",
    ] {
        let error = read(&pickle(operations)).map(|_| ()).unwrap_err();
        assert!(matches!(error, PickleError::CutOff(_)), "{operations:?}: {error}");
    }
}

#[test]
fn depth_and_circles_cost_nothing() {
    let deep = pickle(&[b"N".as_slice(), &vec![0x85; 1_000_000]].concat());
    assert_eq!(read(&deep).unwrap().nodes.len(), 1_000_001);
    let circle = pickle(b"]q\x00h\x00a");
    let circle = read(&circle).unwrap();
    assert_eq!(circle.nodes[circle.root], Node::List(vec![circle.root]));
}

#[test]
fn copies_asked_for_again_and_again_come_to_an_end() {
    // A list of 20,000 pairs, then 2,000 dictionaries made of it.
    let list = [b"](".as_slice(), &b"NN\x86".repeat(20_000), b"e\x85q\x00"].concat();
    let dictionaries = b"ccollections\nOrderedDict\nh\x00R".repeat(2_000);
    let message = refused(&[list, dictionaries].concat());
    assert!(message.contains("operations") || message.contains("not pairs"), "{message}");
    let endless = pickle(&b"N0".repeat(OPERATIONS));
    assert!(read(&endless).unwrap_err().to_string().contains("operations"));
}
