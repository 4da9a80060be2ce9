#pragma once
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <wchar.h>

// What Swift cannot import: C globals, macros with casts, and what hides behind feature macros.
extern int wcwidth(wchar_t);
static inline WINDOW *shim_stdscr(void) { return stdscr; }
static inline WINDOW *shim_curscr(void) { return curscr; }
static inline int shim_colors(void) { return COLORS; }
static inline int shim_color_pairs(void) { return COLOR_PAIRS; }
static inline attr_t shim_bold(void) { return A_BOLD; }
static inline attr_t shim_dim(void) { return A_DIM; }
static inline attr_t shim_underline(void) { return A_UNDERLINE; }
static inline attr_t shim_reverse(void) { return A_REVERSE; }
static inline int shim_key_f(int n) { return KEY_F(n); }
static inline mmask_t shim_mouse_wanted(void) { return BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED; }
static inline int shim_mouse_is_press(mmask_t state) { return (state & BUTTON1_PRESSED) != 0; }
static inline int shim_mouse_is_wheel_up(mmask_t state) { return (state & BUTTON4_PRESSED) != 0; }
static inline int shim_mouse_is_wheel_down(mmask_t state) { return (state & BUTTON5_PRESSED) != 0; }
static inline const char *shim_codeset(void) { return nl_langinfo(CODESET); }
// A capability's string; NULL where the terminal has none ((char *)-1 where it is no string).
static inline const char *shim_string_capability(const char *name) {
    char *value = tigetstr((char *)name);
    return value == (char *)-1 ? 0 : value;
}
static inline int shim_flag_capability(const char *name) { return tigetflag((char *)name) > 0; }
