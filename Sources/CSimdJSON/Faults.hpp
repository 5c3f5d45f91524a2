// What is wrong with a text, and the slow searches for the place of a fault that simdjson only names.

#pragma once

#include <cstddef>
#include <cstdint>

#include "CSimdJSON.h"

struct Fault {
    csimdjson_fault kind = csimdjson_none;
    const uint8_t *at = nullptr;
    const char *what = nullptr;
};

// The length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), or 0.
inline size_t utf8_sequence(const uint8_t *at, const uint8_t *end) {
    uint8_t lead = *at;
    if (lead < 0x80) { return 1; }
    if (lead < 0xC2 || lead > 0xF4) { return 0; }
    size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (size_t(end - at) < length) { return 0; }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) { return 0; }
    }
    bool overlong = (lead == 0xE0 && at[1] < 0xA0) || (lead == 0xF0 && at[1] < 0x90);
    bool surrogate = lead == 0xED && at[1] > 0x9F;
    bool beyond = lead == 0xF4 && at[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

inline const uint8_t *first_invalid_utf8(const uint8_t *text, const uint8_t *end) {
    while (text < end) {
        size_t length = utf8_sequence(text, end);
        if (length == 0) { break; }
        text += length;
    }
    return text;
}

// For a text in which a string is unclosed or holds a control character.
inline Fault first_string_fault(const uint8_t *text, const uint8_t *end) {
    const uint8_t *opened = nullptr;
    for (const uint8_t *at = text; at < end; at++) {
        if (*at == '"') {
            opened = opened ? nullptr : at;
        } else if (opened && *at == '\\') {
            at++;
        } else if (opened && *at < 0x20) {
            return {csimdjson_malformed, at, "a control character stands unescaped in a string"};
        }
    }
    if (opened) { return {csimdjson_malformed, opened, "a string is not closed"}; }
    return {csimdjson_malformed, text, "not a JSON text"};
}

// The byte behind the bracket that closes the first one of the text, whatever their kinds; null if none does.
// The text's strings are closed.
inline const uint8_t *after_brackets(const uint8_t *text, const uint8_t *end) {
    size_t open = 0;
    bool in_string = false;
    for (const uint8_t *at = text; at < end; at++) {
        if (*at == '"') {
            in_string = !in_string;
        } else if (in_string) {
            at += *at == '\\';
        } else if (*at == '[' || *at == '{') {
            open++;
        } else if (*at == ']' || *at == '}') {
            if (--open == 0) { return at + 1; }
        }
    }
    return nullptr;
}
