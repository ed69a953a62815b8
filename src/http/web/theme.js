// The chosen theme, before anything is painted. Not a module: those run after the first paint.
// @ts-check
"use strict";

try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") {
        document.documentElement.dataset.theme = theme;
    }
} catch {
    // Where storage is forbidden the system's choice holds.
}
