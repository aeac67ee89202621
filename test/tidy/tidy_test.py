#!/usr/bin/env python3
"""The tidy test finds what it is there for: violations that are planted in a temporary tree.

usage: tidy_test.py [unittest's options]
Goal: every arrow that the table lacks is refused, every other one is accepted, and a page that shows another table is
found. Method: a tree with one header in each folder, and in each folder one source for each header. What is expected is
worked out here, from the table's data alone, so that a fault in the script's rules cannot hide itself.
"""
import re
import sys
import tempfile
import unittest
from itertools import product
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is
import tidy

PAGE = "docs/architecture.md"
SOURCE = "// A planted source.\n"
HEADER = "// A planted header.\n#pragma once\n"


def expected(here, there):
    """Whether a source in `here` may include a header of `there` that reaches no CAF."""
    allowed = set()
    for word in tidy.ARROWS[here]:
        top = word.removesuffix("/*")
        allowed |= {"messages"} if word == "plain" else {word}
        allowed |= {x for x in tidy.ARROWS if word.endswith("*") and (x == top or x.startswith(top + "/"))}
    return here == there or there in allowed or "*" in tidy.ARROWS[here]


class PlantedTree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.addCleanup(setattr, tidy, "ROOT", tidy.ROOT)
        self.page = (tidy.ROOT / PAGE).read_text()
        tidy.ROOT = self.root
        for each in tidy.ARROWS:
            self.plant(f"{each}/planted.hpp", HEADER)
        self.plant(PAGE, self.page)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def found(self, check):
        """The findings of one check, as (file, text)."""
        tidy.findings.clear()
        check()
        self.addCleanup(tidy.findings.clear)
        return [tuple(re.fullmatch(r"([^:]+):\d+: (.*)", x, re.S).groups()) for x in tidy.findings]

    def arrows(self):
        return self.found(lambda: tidy.check_arrows(dict(tidy.sources())))

    def refused(self):
        return {name for name, _ in self.arrows()}


class Arrows(PlantedTree):
    def test_every_include_is_refused_that_the_table_does_not_allow(self):
        pairs = {f"{here}/planted_{there.replace('/', '_')}.cpp": (here, there)
                 for here, there in product(tidy.ARROWS, repeat=2)}
        for name, (_, there) in pairs.items():
            self.plant(name, f'{SOURCE}#include "{there}/planted.hpp"\n')
        self.assertEqual(self.refused(), {name for name, pair in pairs.items() if not expected(*pair)})

    def test_live_and_jobs_are_strangers_in_every_folder(self):
        for top in ("core", "actors"):
            self.assertFalse(expected(f"{top}/live", f"{top}/jobs") or expected(f"{top}/jobs", f"{top}/live"))

    def test_a_finding_names_the_folder_and_the_header(self):
        self.plant("store/planted.cpp", f'{SOURCE}#include "http/planted.hpp"\n')
        self.assertEqual([name for name, text in self.arrows() if "store/ may not include http/planted.hpp" in text],
                         ["store/planted.cpp"])

    def test_a_folder_within_a_folder_has_its_arrows(self):
        self.plant("encoder/codec/deep/planted.cpp", f'{SOURCE}#include "encoder/chunks/planted.hpp"\n')
        self.assertEqual(self.refused(), {"encoder/codec/deep/planted.cpp"})

    def test_caf_is_refused_where_it_is_unknown_whatever_the_detour(self):
        self.plant("messages/with_caf.hpp", HEADER + "#include <caf/actor.hpp>\n")
        self.plant("messages/detour.hpp", HEADER + '#include "messages/with_caf.hpp"\n')
        for each in tidy.ARROWS:
            self.plant(f"{each}/direct.cpp", SOURCE + "#include <caf/actor.hpp>\n")
            self.plant(f"{each}/detour.cpp", SOURCE + '#include "messages/detour.hpp"\n')
        without = {x for x in tidy.ARROWS if x.split("/")[0] in tidy.WITHOUT_CAF}
        refused = self.refused()
        self.assertEqual({x for x in tidy.ARROWS if f"{x}/direct.cpp" in refused}, without)
        self.assertEqual({x for x in tidy.ARROWS if f"{x}/detour.cpp" in refused}, without)

    def test_the_numbers_of_the_configuration_are_open_to_all_but_base_and_encoder(self):
        self.plant("config/defaults.hpp", HEADER)
        for each in tidy.ARROWS:
            self.plant(f"{each}/numbers.cpp", SOURCE + '#include "config/defaults.hpp"\n')
        self.assertEqual(self.refused(),
                         {f"{x}/numbers.cpp" for x in tidy.ARROWS if x.split("/")[0] in ("base", "encoder")})

    def test_a_header_that_is_not_there_is_refused(self):
        self.plant("base/planted.cpp", SOURCE + '#include "planted.hpp"\n')
        self.assertEqual(self.refused(), {"base/planted.cpp"})


class Lint(PlantedTree):
    def missed(self, regex):
        self.plant(".clang-tidy", f"HeaderFilterRegex: '{regex}'\n")
        return [text for _, text in self.found(lambda: tidy.check_lint(dict(tidy.sources())))]

    def test_every_header_is_looked_into(self):
        self.plant("base/sha256.hpp", HEADER)
        self.assertEqual(self.missed(r"/[a-z0-9_/]*\.hpp$"), [])
        self.assertEqual(self.missed(r"/[a-z_/]*\.hpp$"), ["HeaderFilterRegex leaves out base/sha256.hpp"])
        self.assertIn("HeaderFilterRegex leaves out http/planted.hpp", self.missed(r"(base|core)/[a-z0-9_/]*\.hpp$"))


class Page(PlantedTree):
    def page_findings(self):
        return self.found(tidy.check_architecture)

    def rows(self):
        """(row, folder) of each row of the page's table."""
        return [(x[0], x[1]) for x in re.finditer(r"\| `([a-z/]+)/` \| [^|]+ \| [^|]+ \|\n", self.page)]

    def test_the_page_shows_the_table(self):
        self.assertEqual(self.page_findings(), [])
        self.assertEqual({folder for _, folder in self.rows()}, set(tidy.ARROWS))

    def test_a_row_that_allows_more_is_found(self):
        for row, folder in self.rows():
            if folder == "test":
                continue  # it may include everything
            with self.subTest(folder):
                self.plant(PAGE, self.page.replace(row, row.replace(" |\n", ", `test/` |\n")))
                self.assertTrue(any(text.startswith(f"{folder}/ may include") for _, text in self.page_findings()))

    def test_a_row_that_allows_less_is_found(self):
        for row, folder in self.rows():
            if not tidy.ARROWS[folder]:
                continue
            with self.subTest(folder):
                self.plant(PAGE, self.page.replace(row, re.sub(r"\| [^|]+ \|\n", "| nothing |\n", row)))
                self.assertTrue(any(text.startswith(f"{folder}/ may include") for _, text in self.page_findings()))

    def test_a_row_that_is_missing_is_found(self):
        for row, folder in self.rows():
            with self.subTest(folder):
                self.plant(PAGE, self.page.replace(row, ""))
                self.assertIn((PAGE, f"{folder}/ stands in only one of this page and the table of arrows"),
                              self.page_findings())

    def test_a_row_too_many_is_found(self):
        row, _ = self.rows()[0]
        self.plant(PAGE, self.page.replace(row, row + "| `extra/` | nobody knows it | nothing |\n"))
        self.assertEqual(self.page_findings(),
                         [(PAGE, "extra/ stands in only one of this page and the table of arrows")])

    def test_a_folder_that_is_not_there_is_found(self):
        (self.root / "ctl/planted.hpp").unlink()
        (self.root / "ctl").rmdir()
        self.assertEqual(self.page_findings(),
                         [("test/tidy/tidy.py", "the table of arrows names ctl/, which is not there")])


if __name__ == "__main__":
    unittest.main()
