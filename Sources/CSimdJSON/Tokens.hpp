// The grammar of single tokens (RFC 8259, sections 3, 6 and 7). Each check takes the token's first byte and gives the
// byte behind its last, or null with the fault filled in.

#pragma once

#include <cstdint>
#include <cstring>

#include "Faults.hpp"

inline const uint8_t *fail(Fault &fault, const uint8_t *at, const char *what) {
    fault = {csimdjson_malformed, at, what};
    return nullptr;
}

inline const uint8_t *skip_whitespace(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) { at++; }
    return at;
}

inline bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

// The value of four hexadecimal digits, or -1. Stops at the first byte that is none.
inline int hex4(const uint8_t *at) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = at[i], lower = byte | 0x20;
        int digit = is_digit(byte) ? byte - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (digit < 0) { return -1; }
        value = value * 16 + digit;
    }
    return value;
}

// `at` is the backslash. Lone surrogates are refused (RFC 7493, section 2.1).
inline const uint8_t *check_escape(const uint8_t *at, Fault &fault) {
    switch (at[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return at + 2;
    case 'u': break;
    default: return fail(fault, at, "a string holds an unknown escape");
    }
    int unit = hex4(at + 2);
    if (unit < 0) { return fail(fault, at, "an escape lacks its four hexadecimal digits"); }
    if (unit < 0xD800 || unit > 0xDFFF) { return at + 6; }
    int low = unit < 0xDC00 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF) { return fail(fault, at, "an escape is one half of a surrogate pair alone"); }
    return at + 12;
}

// A string, quotes included. The first stage has made sure that it is closed and holds no raw control character.
inline const uint8_t *check_string(const uint8_t *at, bool &escaped, Fault &fault) {
    escaped = false;
    at++;
    while (*at != '"') {
        if (*at != '\\') {
            at++;
            continue;
        }
        escaped = true;
        at = check_escape(at, fault);
        if (!at) { return nullptr; }
    }
    return at + 1;
}

inline const uint8_t *check_number(const uint8_t *at, Fault &fault) {
    if (*at == '-') { at++; }
    if (!is_digit(*at)) { return fail(fault, at, "a number lacks its digits"); }
    if (*at == '0' && is_digit(at[1])) { return fail(fault, at, "a number starts with a needless zero"); }
    while (is_digit(*at)) { at++; }
    if (*at == '.') {
        at++;
        if (!is_digit(*at)) { return fail(fault, at, "a number lacks digits behind its point"); }
        while (is_digit(*at)) { at++; }
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-') { at++; }
        if (!is_digit(*at)) { return fail(fault, at, "a number lacks the digits of its exponent"); }
        while (is_digit(*at)) { at++; }
    }
    return at;
}

// A number or a literal name. What stands behind it is the caller's to check; the padding is zeros, so that no check
// runs past the text.
inline const uint8_t *check_word(const uint8_t *at, Fault &fault) {
    if (*at == '-' || is_digit(*at)) { return check_number(at, fault); }
    if (std::memcmp(at, "true", 4) == 0 || std::memcmp(at, "null", 4) == 0) { return at + 4; }
    if (std::memcmp(at, "false", 5) == 0) { return at + 5; }
    return fail(fault, at, "a value is expected");
}
