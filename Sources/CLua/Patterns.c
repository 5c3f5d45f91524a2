// Lua's patterns (reference manual 5.4, section 6.4.1), counting their steps, by the bytes of the pattern too: a hostile pattern
// takes exponential time inside one call, where no instruction hook fires.

#include <ctype.h>

#include "Patterns.h"

enum { nesting_max = 150 };
/// A step here is some 5 ns, a fifth of what is counted elsewhere.
enum { steps_per_spending = 1024, steps_per_step = 4 };

void steps(struct matcher *m, size_t count) {
    m->steps += count;
    if (m->steps < steps_per_spending) return;
    spend(m->L, m->steps / steps_per_step);
    m->steps = 0;
}

static void step(struct matcher *m) {
    steps(m, 1);
}

// Single characters

/// Where the single-character class that begins at `p` ends.
static const char *class_end(struct matcher *m, const char *p) {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing arguments)");
    if (*p == '%') {
        if (p + 1 == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 2;
    }
    if (*p++ != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    const char *start = p;
    // A closing bracket that comes first stands for itself.
    do {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    steps(m, (size_t)(p - start) / 2);
    return p + 1;
}

static bool is_in_class(int c, int class) {
    bool is_in;
    switch (tolower(class)) {
    case 'a': is_in = isalpha(c); break;
    case 'c': is_in = iscntrl(c); break;
    case 'd': is_in = isdigit(c); break;
    case 'g': is_in = isgraph(c); break;
    case 'l': is_in = islower(c); break;
    case 'p': is_in = ispunct(c); break;
    case 's': is_in = isspace(c); break;
    case 'u': is_in = isupper(c); break;
    case 'w': is_in = isalnum(c); break;
    case 'x': is_in = isxdigit(c); break;
    default: return class == c;
    }
    return isupper(class) ? !is_in : is_in;
}

/// `p` is at the opening bracket, `last` at the closing one.
static bool is_in_set(int c, const char *p, const char *last) {
    bool is_negated = p[1] == '^';
    for (p += is_negated ? 2 : 1; p < last; p++) {
        if (*p == '%') {
            p++;
            if (is_in_class(c, (unsigned char)*p)) return !is_negated;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return !is_negated;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return !is_negated;
        }
    }
    return is_negated;
}

static bool matches_one(struct matcher *m, const char *s, const char *p, const char *end) {
    step(m);
    if (s >= m->subject_end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return is_in_class(c, (unsigned char)p[1]);
    case '[': steps(m, (size_t)(end - p) / 2); return is_in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

// Items

static const char *match_greedy(struct matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (matches_one(m, s + count, p, end)) count++;
    for (; count >= 0; count--) {
        const char *rest = match(m, s + count, end + 1);
        if (rest) return rest;
    }
    return NULL;
}

static const char *match_lazy(struct matcher *m, const char *s, const char *p, const char *end) {
    for (;;) {
        const char *rest = match(m, s, end + 1);
        if (rest) return rest;
        if (!matches_one(m, s, p, end)) return NULL;
        s++;
    }
}

static const char *match_balanced(struct matcher *m, const char *s, const char *p) {
    if (m->pattern_end - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != p[0]) return NULL;
    size_t depth = 1;
    for (s++; s < m->subject_end; s++) {
        step(m);
        if (*s == p[1]) {
            if (--depth == 0) return s + 1;
        } else if (*s == p[0]) {
            depth++;
        }
    }
    return NULL;
}

static bool is_at_frontier(struct matcher *m, const char *s, const char *set, const char *end) {
    steps(m, (size_t)(end - set));
    int before = s == m->subject ? 0 : (unsigned char)s[-1];
    int here = s == m->subject_end ? 0 : (unsigned char)*s;
    return !is_in_set(before, set, end - 1) && is_in_set(here, set, end - 1);
}

static const char *open_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t length) {
    if (m->captures >= captures_max) luaL_error(m->L, "too many captures");
    m->capture[m->captures].start = s;
    m->capture[m->captures].length = length;
    m->captures++;
    const char *rest = match(m, s, p);
    if (!rest) m->captures--;
    return rest;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p) {
    int open = m->captures - 1;
    while (open >= 0 && m->capture[open].length != capture_open) open--;
    if (open < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[open].length = s - m->capture[open].start;
    const char *rest = match(m, s, p);
    if (!rest) m->capture[open].length = capture_open;
    return rest;
}

static const char *match_capture_again(struct matcher *m, const char *s, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->captures || m->capture[index].length < 0)
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    size_t length = (size_t)m->capture[index].length;
    steps(m, length / 16 + 1);
    if ((size_t)(m->subject_end - s) < length || memcmp(m->capture[index].start, s, length) != 0) return NULL;
    return s + length;
}

/// Items that match a fixed piece: moves both on. Returns false if `p` is not at one.
static bool match_special(struct matcher *m, const char **s, const char **p) {
    if (**p != '%' || *p + 1 == m->pattern_end) return false;
    char kind = (*p)[1];
    if (kind == 'b') {
        *s = match_balanced(m, *s, *p + 2);
        *p += 4;
    } else if (kind == 'f') {
        const char *set = *p + 2;
        if (set == m->pattern_end || *set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = class_end(m, set);
        if (!is_at_frontier(m, *s, set, end)) *s = NULL;
        *p = end;
    } else if (isdigit((unsigned char)kind)) {
        *s = match_capture_again(m, *s, kind);
        *p += 2;
    } else {
        return false;
    }
    return true;
}

static const char *match_here(struct matcher *m, const char *s, const char *p) {
    while (p < m->pattern_end) {
        step(m);
        if (*p == '(') {
            bool is_position = p + 1 < m->pattern_end && p[1] == ')';
            return open_capture(m, s, p + (is_position ? 2 : 1), is_position ? capture_position : capture_open);
        }
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->subject_end ? s : NULL;
        if (match_special(m, &s, &p)) {
            if (!s) return NULL;
            continue;
        }
        const char *end = class_end(m, p);
        char repeat = end < m->pattern_end ? *end : 0;
        if (repeat == '*') return match_greedy(m, s, p, end);
        if (repeat == '-') return match_lazy(m, s, p, end);
        bool is_match = matches_one(m, s, p, end);
        if (repeat == '+') return is_match ? match_greedy(m, s + 1, p, end) : NULL;
        if (repeat == '?') {
            const char *rest = is_match ? match(m, s + 1, end + 1) : NULL;
            if (rest) return rest;
            p = end + 1;
            continue;
        }
        if (!is_match) return NULL;
        s++;
        p = end;
    }
    return s;
}

const char *match(struct matcher *m, const char *s, const char *p) {
    if (++m->nesting > nesting_max) luaL_error(m->L, "pattern too complex");
    const char *rest = match_here(m, s, p);
    m->nesting--;
    return rest;
}
