#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the broken files of tests/hostile: xml/ and weights/. The name of a file begins with the code of the error that reading it must
report; ok-... must be read. Run it again after a change; the files are small and kept in the repository.
Giant inputs (deep nesting, a million elements) are made in memory by the tests instead.
What is said of each file stands in messages.txt: after a change `build/tests/test_hostile --update` writes it anew, and its difference is read.
"""
import json
import os
import struct
import sys
import zipfile
import zlib

here = os.path.dirname(os.path.abspath(sys.argv[0]))
count = {}


def put(folder, code, name, data):
    count[folder] = count.get(folder, 0) + 1
    suffix = {"xml": ".xml"}.get(folder, "")
    os.makedirs(os.path.join(here, folder), exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    with open(os.path.join(here, folder, f"{code}-{name}{suffix}"), "wb") as f:
        f.write(data)


# --- XML ------------------------------------------------------------------------------------------------------------

def graph(body, attrs=""):
    return f'<graph xmlns="urn:burin:graph:1"{attrs}>\n{body}\n</graph>\n'


def body(text, shape="2,4"):
    return graph(f'<input id="x" shape="{shape}"/>\n{text}\n<output id="y"/>')


def xml(code, name, text):
    put("xml", code, name, text)


def well_formedness():
    xml("E2001", "empty", "")
    xml("E2001", "blank", " \n ")
    xml("E2001", "words", "hello")
    xml("E2001", "unclosed", '<graph><relu id="r"></graph>')
    xml("E2001", "no-end", '<graph><input id="x" shape="1"/>')
    xml("E2001", "bare-attribute", body("<relu id=r/>"))
    xml("E2001", "no-quote-end", body('<relu id="r/>'))
    xml("E2001", "attribute-twice", body('<relu id="a" id="b"/>'))
    xml("E2001", "less-in-value", body('<relu id="a<b"/>'))
    xml("E2001", "ampersand", body('<relu id="a&b"/>'))
    xml("E2001", "entity-unknown", body('<relu id="&a;"/>'))
    xml("E2001", "entity-nbsp", body('<relu id="a&nbsp;b"/>'))
    xml("E2001", "charref-zero", body('<relu id="&#0;"/>'))
    xml("E2001", "charref-huge", body('<relu id="&#x110000;"/>'))
    xml("E2001", "charref-surrogate", body('<relu id="&#xd800;"/>'))
    xml("E2001", "two-roots", body("<relu/>") + "<graph/>")
    xml("E2001", "text-after-root", body("<relu/>") + "more")
    xml("E2001", "comment-dashes", body("<!-- a -- b --><relu/>"))
    xml("E2001", "comment-open", body("<!-- never closed <relu/>"))
    xml("E2001", "cdata-open", body("<![CDATA[ never closed"))
    xml("E2001", "pi-open", body("<?never closed"))
    xml("E2001", "pi-xml-late", body('<?xml version="1.0"?><relu/>'))
    xml("E2001", "declaration-late", "\n" + '<?xml version="1.0"?>' + body("<relu/>"))
    xml("E2001", "version-missing", '<?xml encoding="UTF-8"?>' + body("<relu/>"))
    xml("E2001", "tag-name-digit", body("<1relu/>"))
    xml("E2001", "prefix-unbound", body("<b:relu/>"))
    xml("E2001", "control-character", body('<relu id="a\x01b"/>'))
    xml("E2001", "end-tag-other", "<graph></block>")
    xml("E2001", "end-tag-first", "</graph>")
    xml("E2001", "lone-less", body("<"))
    xml("E2001", "cdata-in-tag", body("<relu <![CDATA[x]]>/>"))


def forbidden():
    xml("E2002", "zero-byte", body("<relu/>").encode() + b"\0")
    xml("E2002", "zero-in-value", body('<relu id="a\0b"/>'))
    xml("E2002", "latin1", body('<relu id="é"/>').encode("latin-1"))
    xml("E2002", "utf16", body("<relu/>").encode("utf-16"))
    xml("E2002", "utf32", body("<relu/>").encode("utf-32"))
    xml("E2002", "overlong", body("<relu/>").encode() + b"<!-- \xc0\xaf -->")
    xml("E2002", "overlong3", body("<relu/>").encode() + b"<!-- \xe0\x80\xaf -->")
    xml("E2002", "surrogate", body("<relu/>").encode() + b"<!-- \xed\xa0\x80 -->")
    xml("E2002", "above-unicode", body("<relu/>").encode() + b"<!-- \xf4\x90\x80\x80 -->")
    xml("E2002", "cut-sequence", body("<relu/>").encode() + b"<!-- \xe2\x82")
    xml("E2002", "lone-continuation", body("<relu/>").encode() + b"<!-- \x80 -->")
    xml("E2002", "five-bytes", body("<relu/>").encode() + b"<!-- \xf8\x88\x80\x80\x80 -->")
    for e in ["ISO-8859-1", "UTF-16", "UTF-7", "EBCDIC-CP-US", "windows-1252", "UTF-8x", ""]:
        xml("E2002", "encoding-" + (e or "empty"), f'<?xml version="1.0" encoding="{e}"?>' + body("<relu/>"))
    xml("E2002", "doctype", "<!DOCTYPE graph>" + body("<relu/>"))
    xml("E2002", "doctype-system", '<!DOCTYPE graph SYSTEM "/etc/passwd">' + body("<relu/>"))
    xml("E2002", "doctype-public", '<!DOCTYPE graph PUBLIC "a" "http://127.0.0.1/a">' + body("<relu/>"))
    lol = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    xml("E2002", "billion-laughs", f"<!DOCTYPE graph [{lol}]>" + body('<relu id="&j;"/>'))
    xml("E2002", "quadratic", '<!DOCTYPE graph [<!ENTITY a "%s">]>' % ("a" * 2000) + body("&a;" * 2000))
    xml("E2002", "xxe", '<!DOCTYPE graph [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + body('<relu id="&a;"/>'))
    xml("E2002", "xxe-parameter", '<!DOCTYPE graph [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + body("<relu/>"))
    xml("E2002", "attlist-default", '<!DOCTYPE graph [<!ATTLIST relu id CDATA "r">]>' + body("<relu/>"))
    xml("E2002", "entity-alone", '<!ENTITY a "b">' + body("<relu/>"))
    xml("E2002", "doctype-inside", body("<!DOCTYPE graph><relu/>"))
    xml("E2002", "doctype-after", body("<relu/>") + "<!DOCTYPE graph>")
    xml("E2002", "conditional-section", body("<![INCLUDE[ <relu/> ]]>"))


def names():
    xml("E2003", "unknown", body('<convolution filters="3"/>'))
    xml("E2003", "case", body("<Relu/>"))
    xml("E2003", "kernel-level", body('<axis index="0"/>'))
    xml("E2003", "fold", body("<fold_sum/>"))
    xml("E2003", "get", body("<get/>"))
    xml("E2003", "xinclude", graph('<include href="/etc/passwd"/>'))
    xml("E2003", "long-name", body("<" + "r" * 128 + "/>"))
    xml("E2015", "longer-name", body("<" + "r" * 129 + "/>"))
    xml("E2015", "long-attribute", body("<relu " + "r" * 129 + '="1"/>'))
    xml("E2015", "many-attributes", body("<relu " + " ".join(f'a{i}="1"' for i in range(65)) + "/>"))
    xml("E2004", "misspelt", body('<linear id="l" unit="4"/>'))
    xml("E2004", "input", graph('<input id="x" shape="2" colour="red"/><output/>'))
    xml("E2004", "output", graph('<input id="x" shape="2"/><output colour="y"/>'))
    xml("E2004", "graph", graph('<input id="x" shape="2"/><output/>', ' colour="red"'))
    xml("E2004", "block", graph('<block nam="a"/>' + '<input id="x" shape="2"/><output/>'))
    xml("E2004", "repeat", body('<repeat count="2" times="2"><relu/></repeat>'))
    xml("E2004", "init-without-parameters", body('<relu init="zeros"/>'))
    xml("E2004", "blob", body('<const id="k" value="1" data="1"/>'))
    xml("E2005", "filters", body("<maxpool2d/>", "1,1,4,4"))
    xml("E2005", "id-of-layer", body('<linear units="3"/>'))
    xml("E2005", "id-of-input", graph('<input shape="2"/><output/>'))
    xml("E2005", "id-of-param", body('<param shape="2"/>'))
    xml("E2005", "shape-of-input", graph('<input id="x"/><output/>'))
    xml("E2005", "shape-of-param", body('<param id="p"/>'))
    xml("E2005", "value-of-const", body('<const id="k"/>'))
    xml("E2005", "in-first", graph("<relu/><output/>"))
    xml("E2005", "in-output", graph('<output id="y"/>'))
    xml("E2005", "use-block", body("<use/>"))
    xml("E2005", "repeat-count", body("<repeat><relu/></repeat>"))
    xml("E2005", "block-name", graph("<block/>" + '<input id="x" shape="2"/><output/>'))
    xml("E2005", "if-condition", body("<if><then><output/></then><else><output/></else></if>"))
    xml("E2005", "hidden", body('<lstm id="l"/>', "1,2,3"))


def values():
    layer = '<linear id="l" units="%s"/>'
    for name, v in [("float", "1.5"), ("empty", ""), ("blank", " "), ("two", "1 2"),
                    ("overflow", "9223372036854775808"), ("product", "9223372036854775807*2"),
                    ("sum", "9223372036854775807+1"), ("division", "4/0"), ("modulo", "4%0"), ("paren", "(4"),
                    ("paren-right", "4)"), ("deep", "(" * 40 + "4" + ")" * 40), ("operator", "4*"), ("hex", "0x10"),
                    ("comma", "1,"), ("exponent", "1e3"), ("quote", "&quot;"),
                    ("semicolon", "4;5"), ("minint", "-9223372036854775807-2")]:
        xml("E2006", "units-" + name, body(layer % v))
    for name, v in [("word", "maybe"), ("two", "2"), ("empty", ""), ("upper", "YES")]:
        xml("E2006", "bias-" + name, body('<linear id="l" units="3" bias="%s"/>' % v))
    for name, v in [("word", "small"), ("empty", ""), ("comma", "1,5"), ("two", "1 2")]:
        xml("E2006", "eps-" + name, body('<layernorm id="l" eps="%s"/>' % v))
    for name, v in [("unknown", "f31"), ("upper", "F32"), ("empty", ""), ("numpy", "float32")]:
        xml("E2006", "type-" + name, graph(f'<input id="x" type="{v}" shape="2"/><output/>'))
    for name, v in [("word", "2,three!"), ("hole", "2,,3"), ("trailing", "2,3,"), ("float", "2.5"), ("negative", "-1"),
                    ("rank9", "1,1,1,1,1,1,1,1,1"), ("overflow", "4294967296,4294967296,4294967296"),
                    ("overflow-zero", "0,9223372036854775807,9223372036854775807"),
                    ("zero-last", "9223372036854775807,9223372036854775807,0"), ("terabytes", "1099511627777"),
                    ("max", "9223372036854775807")]:
        xml("E2006", "shape-" + name, graph(f'<input id="x" shape="{v}"/><output/>'))
        xml("E2006", "param-shape-" + name, body(f'<param id="p" shape="{v}"/><add in="x p"/>'))
    xml("E2006", "const-count", body('<const id="k" shape="3" value="1 2"/><add in="x k"/>'))
    xml("E2006", "const-word", body('<const id="k" value="one"/><add in="x k"/>'))
    xml("E2006", "const-float-in-int", body('<const id="k" type="i32" value="1.5"/><cast in="k" to="f32"/>'))
    xml("E2006", "const-range", body('<const id="k" type="u8" value="256"/><cast in="k" to="f32"/>'))
    xml("E2006", "const-negative-u8", body('<const id="k" type="u8" value="-1"/><cast in="k" to="f32"/>'))
    xml("E2006", "const-bool", body('<const id="k" type="bool" value="2"/><cast in="k" to="f32"/>'))
    xml("E2006", "const-terabytes", body('<const id="k" shape="1099511627776,2" value="1"/><cast in="k" to="f32"/>'))
    xml("E2006", "literal-in-int", graph('<input id="x" type="i32" shape="2"/><add in="x 1.5"/><output/>'))
    xml("E2006", "init", body('<linear id="l" units="3" init="magic"/>'))


def references():
    xml("E2008", "too-many", body('<relu in="x x"/>'))
    xml("E2008", "too-few", body('<add in="x"/>'))
    xml("E2008", "left-out", body('<add in="x -"/>'))
    xml("E2008", "left-out-first", body('<relu in="-"/>'))
    xml("E2008", "empty-in", body('<relu in=""/>'))
    xml("E2008", "input-with-in", graph('<input id="x" in="x" shape="2"/><output/>'))
    xml("E2008", "named-twice", body('<add in="x x" y="x"/>'))
    xml("E2008", "named-two", body('<add x="x x" y="x"/>'))
    xml("E2008", "output-two-names", graph('<input id="x" shape="2"/><output id="y" in="x x"/>'))
    xml("E2008", "if-two", body('<if in="x x"><then><output/></then><else><output/></else></if>'))
    xml("E2008", "branches-differ", body('<if in="x"><then><output/><output/></then><else><output/></else></if>'))
    xml("E2008", "block-inputs", graph('<block name="b" in="a c"><add in="a c"/></block><input id="x" shape="2"/>'
                                       '<use block="b" in="x"/><output/>'))
    xml("E2008", "carry", body('<repeat count="2" in="x" carry="a b"><add in="a b"/></repeat>'))
    xml("E2009", "twice", body('<relu id="r"/><tanh id="r"/>'))
    xml("E2009", "input-twice", graph('<input id="x" shape="2"/><input id="x" shape="2"/><output/>'))
    xml("E2009", "repeat", body('<repeat count="2"><relu id="r"/></repeat>'))
    xml("E2009", "block-twice", graph('<block name="b"><relu/></block><block name="b"><relu/></block>'
                                      '<input id="x" shape="2"/><output/>'))
    xml("E2009", "use-twice", graph('<block name="b"><relu/></block><input id="x" shape="2"/>'
                                    '<use block="b" id="u"/><use block="b" id="u"/><output/>'))
    xml("E2009", "prefix-clash", graph('<block name="b"><relu id="r"/></block><input id="x" shape="2"/>'
                                       '<relu id="u.r"/><use block="b" id="u"/><output/>'))
    xml("E2009", "outputs", graph('<input id="x" shape="2"/><output id="y" in="x"/><output id="y" in="x"/>'))
    xml("E2009", "outputs-unnamed", graph('<input id="x" shape="2"/><output in="x"/><output in="x"/>'))
    xml("E2009", "shadow", body('<const id="k" type="bool" value="1"/><relu id="r" in="x"/><if in="k"><then>'
                                '<relu id="r" in="x"/><output/></then><else><output/></else></if>'))
    for name, v in [("empty", ""), ("blank", "a b"), ("dash", "-"), ("at", "@a"), ("brace", "}"), ("comma", "a,b"),
                    ("tab", "a&#9;b"), ("newline", "a&#10;b"), ("escape", "a&#127;b"), ("long", "a" * 129)]:
        xml("E2019" if name == "brace" else "E2010", "id-" + name, body(f'<relu id="{v}"/>'))
    for name, v in [("dash", "le-net"), ("digit", "1net"), ("empty", ""), ("long", "a" * 65), ("blank", "a b"),
                    ("injection", "a;system(1)"), ("unicode", "né"), ("quote", "a&quot;b"), ("format", "%n%n%s")]:
        xml("E2010", "graph-" + name, graph('<input id="x" shape="2"/><output/>', f' name="{v}"'))
    deep = graph('<block name="b"><relu id="r%s"/></block><input id="x" shape="2"/><use block="b" id="u%s"/><output/>')
    xml("E2010", "id-long-in-block", deep % ("r" * 62, "u" * 64))
    xml("ok", "id-long-in-block", deep % ("r" * 62, "u" * 63))
    xml("E2011", "dangling", body('<relu in="b2"/>'))
    xml("E2011", "output", graph('<input id="x" shape="2"/><output in="z"/>'))
    xml("E2011", "result-of-one", body('<relu id="r"/><tanh in="r.1"/>'))
    xml("E2011", "result-too-high", body('<topk id="t" k="1"/><relu in="t.2"/>'))
    xml("E2011", "result-name", body('<topk id="t" k="1"/><relu in="t.value"/>'))
    xml("E2011", "split-too-high", body('<split id="s" parts="2"/><relu in="s.7"/>'))
    xml("E2011", "block-sees-outside", graph('<block name="b"><add in="x outer"/></block><input id="x" shape="2"/>'
                                             '<relu id="outer"/><use block="b"/><output/>'))
    xml("E2011", "branch-inside", body('<const id="k" type="bool" value="1"/><if in="k"><then><relu id="r" in="x"/>'
                                       '<output/></then><else><output in="x"/></else></if><relu in="r"/>'))
    xml("E2011", "at-reference", body('<reshape shape="@nothing"/>'))
    xml("E2011", "format-string", body('<relu in="%n%s%n"/>'))
    xml("E2011", "escape-sequence", body('<relu in="&#x9b;31m"/>'))
    xml("E2021", "self", body('<relu id="r" in="r"/>'))
    xml("E2021", "later", body('<relu id="a" in="b"/><relu id="b" in="x"/>'))
    xml("E2021", "cycle", body('<add id="a" in="x c"/><relu id="b" in="a"/><relu id="c" in="b"/>'))
    xml("E2021", "output-first", graph('<output in="r"/><input id="x" shape="2"/><relu id="r"/>'))
    xml("E2021", "at-self", body('<reshape id="r" shape="@r"/>'))


def structure():
    xml("E2016", "root", "<model/>")
    xml("E3106", "openvino", '<?xml version="1.0"?>\n<net name="n" version="11"><layers><layer id="0" name="x" type="Parameter"><output>'
        '<port id="0"><dim>1</dim></port></output></layer></layers></net>\n')
    xml("E2016", "namespace", '<graph xmlns="urn:other"/>')
    xml("E2016", "namespace-version", '<graph xmlns="urn:burin:graph:2"/>')
    xml("E2016", "graph-in-graph", graph("<graph/>"))
    xml("E2016", "child-of-operator", body("<relu><tanh/></relu>"))
    xml("E2016", "child-of-use", graph('<block name="b"><relu/></block><input id="x" shape="2"/><use block="b"><relu/></use><output/>'))
    xml("E2016", "block-in-block", graph('<block name="a"><block name="b"/></block><input id="x" shape="2"/><use block="a"/><output/>'))
    xml("E2016", "then-alone", body("<then/>"))
    xml("E2016", "else-alone", body("<else/>"))
    xml("E2016", "if-empty", body('<if in="x"/>'))
    xml("E2016", "if-no-else", body('<if in="x"><then><output/></then></if>'))
    xml("E2016", "if-two-then", body('<if in="x"><then><output/></then><then><output/></then></if>'))
    xml("E2016", "if-other", body('<if in="x"><relu/></if>'))
    xml("E2017", "no-output", graph('<input id="x" shape="2"/><relu/>'))
    xml("E2017", "empty", graph(""))
    xml("E2017", "empty-tag", "<graph/>")
    xml("E2017", "output-in-block-only", graph('<block name="b"><relu/><output/></block><input id="x" shape="2"/><use block="b"/>'))
    xml("E2018", "text", body("<relu/> text"))
    xml("E2018", "cdata", body("<relu/><![CDATA[ text ]]>"))
    xml("E2018", "charref", body("<relu/>&#65;"))
    xml("E2018", "amp", body("<relu/>&amp;"))
    xml("E2018", "in-operator", body("<relu>text</relu>"))


def blocks():
    def block(params, inside, use):
        return graph(f'<block name="b" params="{params}">{inside}</block><input id="x" shape="2,4"/>{use}<output/>')
    xml("E2019", "no-parameter", body('<linear id="l" units="{n}"/>'))
    xml("E2019", "open", body('<linear id="l" units="{4"/>'))
    xml("E2019", "close", body('<linear id="l" units="4}"/>'))
    xml("E2019", "empty", body('<linear id="l" units="{}"/>'))
    xml("E2019", "nested", body('<linear id="l" units="{{4}}"/>'))
    xml("E2019", "text-in-arithmetic", block("n", '<linear id="l" units="{n*2}"/>', '<use block="b" n="same"/>'))
    xml("E2019", "division", block("n", '<linear id="l" units="{4/n}"/>', '<use block="b" n="0"/>'))
    xml("E2019", "overflow", block("n", '<linear id="l" units="{n*n}"/>', '<use block="b" n="9223372036854775807"/>'))
    xml("E2019", "symbol-in-braces", block("n", '<linear id="l" units="{N}"/>', '<use block="b" n="1"/>'))
    xml("E2019", "repeat-count", body('<repeat count="many"><relu/></repeat>'))
    xml("E2019", "repeat-symbol", body('<repeat count="N"><relu/></repeat>'))
    xml("E2019", "repeat-empty", body('<repeat count=""><relu/></repeat>'))
    xml("E2020", "no-block", body('<use block="b"/>'))
    xml("E2020", "later", graph('<input id="x" shape="2"/><use block="b"/><block name="b"><relu/></block><output/>'))
    xml("E2020", "itself", graph('<block name="b"><use block="c"/></block><input id="x" shape="2"/><use block="b"/><output/>'))
    xml("E2020", "missing-parameter", block("n", '<linear id="l" units="{n}"/>', '<use block="b"/>'))
    xml("E2020", "other-parameter", block("n=3", '<linear id="l" units="{n}"/>', '<use block="b" m="4"/>'))
    xml("E2015", "repeat-count", body('<repeat count="1000001"><relu/></repeat>'))
    xml("E2015", "repeat-negative", body('<repeat count="-1"><relu/></repeat>'))
    xml("E2015", "repeat-nested", body('<repeat count="1000"><repeat count="1000" as="j"><repeat count="1000" as="k">'
                                       "<relu/></repeat></repeat></repeat>"))
    xml("E2015", "repeat-empty", body('<repeat count="1000000"><repeat count="1000000" as="j"></repeat></repeat>'))
    bomb = '<block name="b0"><relu/></block>' + "".join(
        f'<block name="b{i}">' + f'<use block="b{i - 1}"/>' * 10 + "</block>" for i in range(1, 9))
    xml("E2015", "block-bomb", graph(bomb + '<input id="x" shape="2"/><use block="b8"/><output/>'))
    tower = '<block name="b0"><relu/></block>' + "".join(
        f'<block name="b{i}"><use block="b{i - 1}"/></block>' for i in range(1, 100))
    xml("E2015", "block-tower", graph(tower + '<input id="x" shape="2"/><use block="b99"/><output/>'))
    text = block("n", '<use block="c" n="{n}{n}"/>', "")
    grow = '<block name="g0" params="n"><relu id="{n}"/></block>' + "".join(
        f'<block name="g{i}" params="n"><use block="g{i - 1}" n="{{n}}{{n}}"/></block>' for i in range(1, 31))
    xml("E2015", "text-bomb", graph(grow + '<input id="x" shape="2"/><use block="g30" n="aaaaaaaaaa"/><output/>'))


def types():
    xml("E5011", "add", graph('<input id="x" shape="2"/><input id="z" shape="3"/><add in="x z"/><output/>'))
    xml("E2014", "unbound", graph('<input id="x" shape="N,4"/><relu/><output/>'))
    xml("E2014", "unbound-units", body('<linear id="l" units="many"/>'))
    xml("E2014", "unicode-digit", body('<linear id="l" units="４"/>'))
    xml("E2014", "unbound-in-attribute", body('<reshape shape="M"/>'))
    xml("E5102", "dynamic-shape", graph('<input id="x" shape="4"/><input id="s" type="i64" shape="1"/>'
                                        '<reshape in="x" shape="@s"/><output/>'))
    xml("E5103", "dynamic-if", graph('<input id="x" shape="4"/><input id="c" type="bool" shape=""/><if in="c"><then>'
                                     '<output in="x"/></then><else><output in="x"/></else></if><output/>'))


def accepted():
    xml("ok", "minimal", body("<relu/>"))
    xml("ok", "no-namespace", '<graph><input id="x" shape="2"/><output/></graph>')
    xml("ok", "prefix", '<b:graph xmlns:b="urn:burin:graph:1"><b:input id="x" shape="2"/><b:output/></b:graph>')
    xml("ok", "bom", b"\xef\xbb\xbf" + body("<relu/>").encode())
    xml("ok", "declaration", '<?xml version="1.0" encoding="utf-8"?>\n' + body("<relu/>"))
    xml("ok", "crlf", body("<relu/>").replace("\n", "\r\n"))
    xml("ok", "other-attributes", '<graph xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="a.xsd">'
                                  '<input id="x" shape="2"/><output/></graph>')
    xml("ok", "greater-in-value", body('<relu id="a>b"/>'))
    xml("ok", "tags-in-comment", body("<!-- <relu/> <!DOCTYPE > is text here --><relu/>").replace("<!DOCTYPE >", "doctype"))
    xml("ok", "unicode-id", body('<relu id="größe"/><tanh in="größe"/>'))
    xml("ok", "charref", body('<relu id="&#x61;&amp;"/><tanh in="a&amp;"/>'))
    xml("ok", "single-quotes", "<graph><input id='x' shape='2'/><relu id='\"'/><output/></graph>")
    xml("ok", "literal", body('<mul in="x 0.5"/>'))
    xml("ok", "scalar", graph('<input id="x" shape=""/><relu/><output/>'))
    xml("ok", "zero-size", graph('<input id="x" shape="0,4"/><relu/><output/>'))
    xml("ok", "unused-id", body('<relu id="never"/><tanh in="x"/>'))
    xml("ok", "pi", body("<?editor fold?><relu/>"))
    xml("ok", "repeat-zero", body('<repeat count="0"><relu/></repeat>'))
    xml("ok", "expression", body('<linear id="l" units="(2+3)*4%7"/>'))


# --- weight files ---------------------------------------------------------------------------------------------------

def st(header, data=b"", length=None):
    if not isinstance(header, bytes):
        header = json.dumps(header).encode() if not isinstance(header, str) else header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def t(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def safetensors(code, name, data):
    put("weights", code, name + ".safetensors", data)


def safetensors_files():
    z = bytes
    safetensors("E4001", "empty", b"")
    safetensors("E4001", "short", b"\1\0\0")
    safetensors("E4001", "length-zero", st("", b""))
    safetensors("E4001", "length-beyond", st("{}", length=100))
    safetensors("E4001", "length-max", st("{}", length=2**64 - 1))
    safetensors("E4001", "length-wrap", st("{}", length=2**64 - 8))
    safetensors("E4001", "length-100MB", st("{}", length=100 * 2**20 + 1))
    safetensors("E4001", "length-negative", st("{}", length=2**63))
    safetensors("E4001", "not-json", st("{nonsense"))
    safetensors("E4001", "json-cut", st('{"a":{"dtype":"F32"'))
    safetensors("E4001", "json-array", st("[]"))
    safetensors("E4001", "json-number", st("1"))
    safetensors("E4001", "json-blank-first", st(" {}"))
    safetensors("E4001", "json-trailing", st("{} {}"))
    safetensors("E4001", "json-deep", st('{"a":' + "[" * 1000 + "]" * 1000 + "}"))
    safetensors("E4001", "json-nul", st(b'{"a\0":{}}'))
    safetensors("E4001", "json-nul-escaped", st('{"a\\u0000b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', z(4)))
    safetensors("E4001", "json-latin1", st(b'{"\xe9":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', z(4)))
    safetensors("E4001", "json-duplicate", st('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                                              '"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', z(8)))
    safetensors("E4001", "json-duplicate-field", st('{"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4]}}', z(4)))
    safetensors("E4001", "json-comment", st('{/* a */}'))
    safetensors("E4001", "pickle", b"\x80\x04\x95" + z(40))
    safetensors("E4001", "zip", b"PK\3\4" + z(40))
    safetensors("E4001", "tensor-null", st({"a": None}))
    safetensors("E4001", "tensor-text", st({"a": "F32"}))
    safetensors("E4001", "tensor-empty", st({"a": {}}))
    for field in ["dtype", "shape", "data_offsets"]:
        v = t()
        del v[field]
        safetensors("E4001", "no-" + field, st({"a": v}, z(8)))
    safetensors("E4001", "more-fields", st({"a": t(extra=1)}, z(8)))
    for name, v in [("unknown", "F31"), ("lower", "f32"), ("number", 32), ("null", None), ("empty", ""), ("list", ["F32"])]:
        safetensors("E4001", "dtype-" + name, st({"a": t(dtype=v)}, z(8)))
    for name, v in [("number", 2), ("text", "2"), ("negative", [-2]), ("float", [2.0]), ("half", [2.5]), ("word", ["2"]),
                    ("nested", [[2]]), ("null", [None]), ("other", [3]), ("rank9", [1] * 8 + [2]), ("scalar", []),
                    ("overflow", [2**62, 4]), ("overflow-zero", [0, 2**63 - 1, 2**63 - 1]), ("wrap", [2**61, 2]),
                    ("huge", [2**63 - 1]), ("beyond", [2**64]), ("true", [True])]:
        v2 = t()
        v2["shape"] = v
        safetensors("E4001", "shape-" + name, st({"a": v2}, z(8)))
    for name, v in [("number", 8), ("one", [0]), ("three", [0, 4, 8]), ("negative", [-8, 0]), ("reversed", [8, 0]),
                    ("beyond", [0, 16]), ("far", [2**40, 2**40 + 8]), ("max", [0, 2**63 - 1]), ("wrap", [2**63 - 8, 2**63 - 1]),
                    ("float", [0.0, 8.0]), ("text", ["0", "8"]), ("short", [0, 4]), ("not-from-zero", [4, 12]), ("u64", [0, 2**64 - 1])]:
        v2 = t()
        v2["data_offsets"] = v
        safetensors("E4001", "offsets-" + name, st({"a": v2}, z(8)))
    safetensors("E4001", "overlap", st({"a": t(), "b": t(offsets=(4, 12))}, z(12)))
    safetensors("E4001", "same-bytes", st({"a": t(), "b": t()}, z(8)))
    safetensors("E4001", "hole", st({"a": t(), "b": t(offsets=(12, 20))}, z(20)))
    safetensors("E4001", "hole-first", st({"a": t(offsets=(4, 12))}, z(12)))
    safetensors("E4001", "bytes-behind", st({"a": t()}, z(9)))
    safetensors("E4001", "bytes-behind-nothing", st("{}", z(1)))
    safetensors("E4001", "cut-data", st({"a": t()}, z(7)))
    safetensors("E4001", "no-data", st({"a": t()}))
    safetensors("E4001", "bool-two", st({"a": t(dtype="BOOL", offsets=(0, 2))}, b"\1\2"))
    safetensors("E4001", "metadata-number", st({"__metadata__": 1, "a": t()}, z(8)))
    safetensors("E4001", "metadata-nested", st({"__metadata__": {"a": {"b": "c"}}, "a": t()}, z(8)))
    safetensors("E4001", "bits-wrong", st({"a": t(dtype="F16")}, z(8)))
    safetensors("ok", "plain", st({"a": t()}, z(8)))
    safetensors("ok", "metadata", st({"__metadata__": {"format": "pt"}, "a": t()}, z(8)))
    safetensors("ok", "unsorted", st({"b": t(offsets=(8, 16)), "a": t()}, z(16)))
    safetensors("ok", "padded", st('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}    \n', z(8)))
    safetensors("ok", "empty-tensor", st({"a": t(shape=(0, 7), offsets=(0, 0)), "b": t()}, z(8)))
    safetensors("ok", "scalar", st({"a": t(shape=(), offsets=(0, 4))}, z(4)))
    safetensors("ok", "none", st("{}"))
    safetensors("ok", "unaligned", st({"a": t(dtype="U8", shape=(1,), offsets=(0, 1)), "b": t(offsets=(1, 9))}, z(9)))
    safetensors("ok", "other-dtype", st({"a": t(dtype="U32"), "b": t(offsets=(8, 16))}, z(16)))


def npy(descr="'<f4'", order="False", shape="(2,)", data=bytes(8), version=1, extra="", header=None, length=None):
    h = header if header is not None else f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {extra}}}\n"
    h = h.encode() if isinstance(h, str) else h
    size = struct.pack("<H" if version == 1 else "<I", len(h) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + h + data


def npy_files():
    def put_npy(code, name, data):
        put("weights", code, name + ".npy", data)
    put_npy("E4001", "empty", b"")
    put_npy("E4001", "magic", b"\x93NUMPX" + bytes(20))
    put_npy("E4001", "short", b"\x93NUMPY\1\0")
    put_npy("E4001", "version-0", npy(version=1).replace(b"NUMPY\1", b"NUMPY\0"))
    put_npy("E4001", "version-4", npy(version=1).replace(b"NUMPY\1", b"NUMPY\4"))
    put_npy("E4001", "length-beyond", npy(length=60000))
    put_npy("E4001", "length-max", npy(version=2, length=2**32 - 1))
    put_npy("E4001", "header-cut", npy(length=20))
    for name, d in [("big-endian", "'>f4'"), ("complex", "'<c8'"), ("object", "'|O'"), ("text", "'<U4'"), ("record", "[('a', '<f4')]"),
                    ("empty", "''"), ("long", "'" + "<" * 50 + "'"), ("number", "4"), ("void", "'|V2'"), ("unsigned", "'<u4'")]:
        put_npy("E4001" if name in ("record", "empty", "long", "number") else "E4101", "descr-" + name, npy(descr=d))
    put_npy("E4001", "fortran", npy(order="True", shape="(2, 1)"))
    put_npy("E4001", "order-word", npy(order="Maybe"))
    for name, s in [("list", "[2]"), ("word", "(a,)"), ("negative", "(-2,)"), ("float", "(2.0,)"), ("open", "(2"), ("number", "2"),
                    ("other", "(3,)"), ("overflow", "(4611686018427387904, 4)"), ("overflow-zero", "(0, 9223372036854775807, 9223372036854775807)"),
                    ("rank9", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), ("beyond", "(99999999999999999999,)"), ("blank", "(2 2)")]:
        put_npy("E4001", "shape-" + name, npy(shape=s))
    put_npy("E4001", "code", npy(header="__import__('os').system('true')\n"))
    put_npy("E4001", "no-shape", npy(header="{'descr': '<f4', 'fortran_order': False, }\n"))
    put_npy("E4001", "unknown-key", npy(extra="'more': 1, "))
    put_npy("E4001", "key-twice", npy(extra="'shape': (2,), "))
    put_npy("E4001", "behind", npy(header="{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x"))
    put_npy("E4001", "data-short", npy(data=bytes(7)))
    put_npy("E4001", "data-long", npy(data=bytes(9)))
    put_npy("E4001", "bool", npy(descr="'|b1'", data=b"\0\7"))
    put_npy("ok", "plain", npy())
    put_npy("ok", "version-2", npy(version=2))
    put_npy("ok", "version-3", npy(version=3))
    put_npy("ok", "fortran-vector", npy(order="True"))
    put_npy("ok", "scalar", npy(shape="()", data=bytes(4)))
    put_npy("ok", "python2", npy(shape="(2L,)"))


def npz(members, method=zipfile.ZIP_STORED):
    import io
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def npz_files():
    def put_npz(code, name, data):
        put("weights", code, name + ".npz", data)
    plain, packed = npz([("a.npy", npy())]), npz([("a.npy", npy(data=bytes(8)))], zipfile.ZIP_DEFLATED)
    end = plain.rfind(b"PK\5\6")
    central = plain.find(b"PK\1\2")

    def patch(data, at, fmt, value):
        raw = struct.pack(fmt, value)
        return data[:at] + raw + data[at + len(raw):]
    put_npz("ok", "plain", plain)
    put_npz("ok", "packed", packed)
    put_npz("ok", "none", npz([]))
    put_npz("ok", "comment", plain[:end] + patch(plain[end:], 20, "<H", 5) + b"hello")
    put_npz("E4001", "empty", b"")
    put_npz("E4001", "short", b"PK\5\6")
    put_npz("E4001", "no-end", plain[:end])
    put_npz("E4001", "cut", plain[:-1])
    put_npz("E4001", "half", plain[:len(plain) // 2])
    put_npz("E4001", "directory-beyond", patch(plain, end + 16, "<I", 2**31))
    put_npz("E4001", "directory-elsewhere", patch(plain, end + 16, "<I", 0))
    put_npz("E4001", "members-many", patch(plain, end + 10, "<H", 65535))
    put_npz("E4001", "members-two", patch(plain, end + 10, "<H", 2))
    put_npz("E4001", "method", patch(plain, central + 10, "<H", 12))
    put_npz("E4001", "encrypted", patch(plain, central + 8, "<H", 1))
    put_npz("E4001", "crc", patch(plain, central + 16, "<I", 1))
    put_npz("E4001", "size-differs", patch(plain, central + 24, "<I", 4))
    put_npz("E4001", "packed-beyond", patch(patch(plain, central + 20, "<I", 2**31), central + 24, "<I", 2**31))
    put_npz("E4001", "local-beyond", patch(plain, central + 42, "<I", 2**31))
    put_npz("E4001", "local-elsewhere", patch(plain, central + 42, "<I", 4))
    put_npz("E4001", "name-long", patch(plain, central + 28, "<H", 65535))
    put_npz("E4001", "extra-long", patch(plain, central + 30, "<H", 65535))
    c2 = packed.find(b"PK\1\2")
    put_npz("E4001", "deflate-size-small", patch(packed, c2 + 24, "<I", 10))
    put_npz("E4001", "deflate-size-large", patch(packed, c2 + 24, "<I", 4000))
    put_npz("E4001", "deflate-bomb-claim", patch(packed, c2 + 24, "<I", 2**32 - 2))
    put_npz("E4001", "deflate-crc", patch(packed, c2 + 16, "<I", 1))
    put_npz("E4001", "deflate-garbage", packed[:40] + b"\xff" * 20 + packed[60:])
    put_npz("E4001", "zip64-without-extra", patch(patch(plain, central + 20, "<I", 2**32 - 1), central + 24, "<I", 2**32 - 1))
    locator = struct.pack("<IIQI", 0x07064b50, 0, 2**60, 1)
    put_npz("E4001", "zip64-locator-beyond", plain[:end] + locator + plain[end:])
    put_npz("E4001", "name-twice", npz([("a.npy", npy()), ("b.npy", npy())]).replace(b"b.npy", b"a.npy"))
    put_npz("E4001", "not-npy", npz([("a.txt", b"hello")]))
    put_npz("E4101", "pickle-member", npz([("a.npy", npy(descr="'|O'", data=b"\x80\x04N."))]))
    put_npz("E4001", "member-cut", npz([("a.npy", npy()[:-1])]))


def main():
    for f in ("xml", "weights"):
        folder = os.path.join(here, f)
        for old in os.listdir(folder) if os.path.isdir(folder) else []:
            os.unlink(os.path.join(folder, old))
    for make in (well_formedness, forbidden, names, values, references, structure, blocks, types, accepted,
                 safetensors_files, npy_files, npz_files):
        make()
    print(", ".join(f"{n} in {f}/" for f, n in count.items()))


main()
