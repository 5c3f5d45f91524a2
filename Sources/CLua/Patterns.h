#ifndef CLUA_PATTERNS_H
#define CLUA_PATTERNS_H

#include "Engine.h"

enum { captures_max = 32 };
/// In place of the length of a capture.
enum { capture_open = -1, capture_position = -2 };

struct matcher {
    lua_State *L;
    const char *subject;
    const char *subject_end;
    const char *pattern_end;
    /// Not yet counted elsewhere.
    size_t steps;
    int nesting;
    int captures;
    struct {
        const char *start;
        ptrdiff_t length;
    } capture[captures_max];
};

/// Counts steps, such as characters that were compared.
void steps(struct matcher *m, size_t count);
/// Matches the rest of a pattern at `s`; returns the end of the match, or NULL.
const char *match(struct matcher *m, const char *s, const char *p);

#endif
