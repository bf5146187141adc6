"""The licences that a lab may have: SPDX identifiers, the suggested one first."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Licence:
    """An SPDX identifier and what people call it."""

    id: str
    title: str


LICENCES: Final = (
    Licence("MIT", "MIT License"),
    Licence("Apache-2.0", "Apache License 2.0"),
    Licence("BSD-3-Clause", "BSD 3-Clause License"),
    Licence("BSD-2-Clause", "BSD 2-Clause License"),
    Licence("ISC", "ISC License"),
    Licence("MPL-2.0", "Mozilla Public License 2.0"),
    Licence("LGPL-3.0-or-later", "GNU Lesser General Public License v3 or later"),
    Licence("GPL-2.0-or-later", "GNU General Public License v2 or later"),
    Licence("GPL-3.0-or-later", "GNU General Public License v3 or later"),
    Licence("AGPL-3.0-or-later", "GNU Affero General Public License v3 or later"),
    Licence("EUPL-1.2", "European Union Public Licence 1.2"),
    Licence("CC-BY-4.0", "Creative Commons Attribution 4.0"),
    Licence("CC-BY-SA-4.0", "Creative Commons Attribution Share Alike 4.0"),
    Licence("CC-BY-NC-4.0", "Creative Commons Attribution Non Commercial 4.0"),
    Licence("CC-BY-NC-SA-4.0", "Creative Commons Attribution Non Commercial Share Alike 4.0"),
    Licence("CC0-1.0", "Creative Commons Zero 1.0 (public domain)"),
    Licence("Unlicense", "The Unlicense"),
    Licence("0BSD", "BSD Zero Clause License"),
    Licence("LicenseRef-All-Rights-Reserved", "All rights reserved"),
)

BY_ID: Final = {licence.id: licence for licence in LICENCES}
