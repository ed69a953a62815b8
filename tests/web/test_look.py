"""Small windows, themes, the keyboard, and names that look like markup."""

import pytest

from web.rig import until

PROGRAMS = """
[program:alpha]
command=/bin/cat
[program:beta]
command=/bin/sleep 1000
[program:a-program-whose-name-is-longer-than-a-telephone-is-wide-and-has-no-place-to-break]
command=/bin/sleep 1000
autostart=false
[program:fatal]
command=/bin/sh -c 'exit 1'
startretries=0
"""

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

CONTRAST_LEAST = 4.5
"""What WCAG's level AA asks of text of ordinary size."""

# The colours of texts that are seen, each with the ground that they stand on.
CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parse = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        return { rgb: [red, green, blue], alpha };
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
            if (alpha === 255) return rgb;
        }
        return parse(getComputedStyle(document.body).backgroundColor).rgb;
    };
    const low = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.closest(".unseen, :disabled, noscript")) continue;
        const pair = [light(parse(getComputedStyle(element).color).rgb), light(ground(element))];
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < %s) low.push([element.className || element.id || element.tagName, element.textContent.slice(0, 30), contrast]);
    }
    return low;
}""" % CONTRAST_LEAST


@pytest.fixture
def running(daemon):
    daemon.configure(PROGRAMS)
    daemon.start()
    daemon.wait_state("alpha", "RUNNING")
    daemon.wait_state("beta", "RUNNING")
    daemon.wait_state("fatal", "FATAL")
    return daemon


def test_nothing_is_wider_than_a_telephone(running, open_page):
    page = open_page(**PHONE)
    page.wait_state("fatal", "FATAL")
    assert page.sideways() <= 0
    page.act("alpha", "more")
    assert page.sideways() <= 0
    page.choose("details")
    page.page.locator("#panel dt", has_text="Configured").wait_for()
    assert page.sideways() <= 0
    page.page.locator("#panel [data-act=log]").tap()
    page.page.locator("#log-empty").wait_for()
    assert page.sideways() <= 0
    page.page.tap("#log-back")
    page.page.tap("#panel-close")
    page.menu("shutdown")
    assert page.sideways() <= 0
    page.answer("Cancel")
    page.act("alpha", "more")
    page.choose("select")
    page.page.locator("#selection").wait_for()
    assert page.sideways() <= 0


def test_what_is_pressed_on_a_telephone_is_large_enough(running, open_page):
    page = open_page(**PHONE)
    page.wait_state("fatal", "FATAL")
    small = page.run(
        """() => [...document.querySelectorAll("#menu, li.row button, .chip")]
            .filter((button) => button.checkVisibility())
            .map((button) => [button.textContent, button.getBoundingClientRect()])
            .filter(([, box]) => box.height < 34 || box.width < 40)
            .map(([text, box]) => [text, box.width, box.height])"""
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_either_theme(running, open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.wait_state("fatal", "FATAL")
    dark = page.run("getComputedStyle(document.body).backgroundColor") != "rgb(245, 246, 247)"
    assert dark == (scheme == "dark")
    assert page.run(CONTRASTS) == []
    page.row("alpha").locator(".name").click()
    page.page.locator("#panel dt", has_text="Configured").wait_for()
    assert page.run(CONTRASTS) == []
    page.page.keyboard.press("?")
    page.page.locator("dialog.help").wait_for()
    assert page.run(CONTRASTS) == []


def test_a_theme_is_chosen_and_stays(running, open_page):
    page = open_page(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    page.menu("theme-dark")
    dark = page.run(ground)
    assert dark != light
    page.open()
    assert page.run(ground) == dark
    page.menu("theme-system")
    assert page.run(ground) == light


def focused(page):
    return page.run("document.activeElement.dataset.id ?? document.activeElement.id")


def test_the_keyboard_does_everything(running, open_page):
    page = open_page()
    page.wait_state("fatal", "FATAL")
    keys = page.page.keyboard
    keys.press("j")
    assert focused(page) == "fatal", "what is broken is first"
    while focused(page) != "beta":
        before = focused(page)
        keys.press("j")
        assert focused(page) != before, "beta was not reached"
    keys.press("k")
    assert focused(page) == "alpha"
    keys.press("j")

    keys.press("x")
    page.wait_state("beta", "STOPPED")
    keys.press("s")
    page.wait_state("beta", "RUNNING")
    before = running.info("beta")["pid"]
    keys.press("r")
    until(lambda: running.info("beta")["pid"] not in (0, before), "another process")

    keys.press("Enter")
    page.page.locator("#panel h2", has_text="beta").wait_for()
    keys.press("Escape")
    page.page.locator("#panel").wait_for(state="hidden")
    keys.press("l")
    page.page.locator("#log").wait_for()
    keys.press("Escape")
    page.page.locator("#log").wait_for(state="hidden")

    keys.press("?")
    page.page.locator("dialog.help").wait_for()
    keys.press("Escape")
    page.page.locator("dialog.help").wait_for(state="detached")

    keys.press("/")
    assert focused(page) == "search"
    keys.type("alpha")
    assert page.page.locator("li.row:visible").count() == 1
    keys.press("Escape")
    assert page.page.locator("li.row:visible").count() == 4
    assert focused(page) != "search"

    keys.press("j")
    keys.press("Space")
    assert "1 selected" in page.page.locator("#selected").inner_text()
    keys.press("Escape")
    page.page.locator("#selection").wait_for(state="hidden")


def test_the_focus_is_seen(running, open_page):
    page = open_page()
    for _ in range(8):
        page.page.keyboard.press("Tab")
        seen = page.run(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            }"""
        )
        assert seen, page.run("document.activeElement.outerHTML")


def test_reduced_motion_is_respected(running, open_page):
    page = open_page(reduced_motion="reduce")
    moving = page.run(
        """() => [...document.querySelectorAll("*")]
            .filter((element) => getComputedStyle(element).transitionDuration !== "0s").length"""
    )
    assert moving == 0


MARKUP = """
[program:<b>bold]
command=/bin/sh -c 'echo "<img src=x onerror=alert(1)>"; exec sleep 1000' "<img src=x onerror=alert(2)>"
[program:"><u>under]
command=/bin/sleep 1000
[program:<script>alert(3)<script>]
command=<img
"""


def test_names_that_look_like_markup_are_names(daemon, open_page):
    daemon.configure(MARKUP)
    daemon.start()
    daemon.wait_state("<b>bold", "RUNNING")
    page = open_page()
    names = page.run("[...document.querySelectorAll('li.row .name')].map((name) => name.textContent)")
    assert sorted(names) == ['"><u>under', "<b>bold", "<script>alert(3)<script>"]
    page.page.locator("li.row .name", has_text="<b>bold").click()
    page.page.locator("#panel dt", has_text="Configured").wait_for()
    assert "<img src=x onerror=alert(2)>" in page.page.locator("#panel").inner_text()
    page.page.locator("#panel [data-act=log]").click()
    page.page.locator("#log .entry", has_text="<img src=x onerror=alert(1)>").wait_for()
    page.page.fill("#log-search", "<IMG SRC")
    page.page.keyboard.press("Enter")
    page.page.locator("#log mark", has_text="<img src").first.wait_for()
    made = page.run("document.querySelectorAll('img, u, body script').length")
    assert made == 0
    bold = page.run("[...document.querySelectorAll('b')].filter((b) => b.textContent === 'old').length")
    assert bold == 0


def test_the_page_is_served_with_a_policy_and_cached_well(running, open_page):
    page = open_page(go=False)
    answers = {}
    page.page.on("response", lambda answer: answers.setdefault(answer.url, answer))
    page.open()
    document = answers[running.url].headers
    assert "default-src 'self'" in document["content-security-policy"]
    assert "unsafe" not in document["content-security-policy"]
    assert document["x-content-type-options"] == "nosniff"
    assert document["cache-control"] == "no-cache"
    assets = [answer for url, answer in answers.items() if "/web/" in url]
    assert len(assets) > 5
    for asset in assets:
        assert "immutable" in asset.headers["cache-control"], asset.url
        assert asset.headers["x-content-type-options"] == "nosniff"
    others = [url for url in answers if not url.startswith(running.url)]
    assert others == [], "nothing comes from elsewhere"
