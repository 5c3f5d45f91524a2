// A small C face on simdjson: one call that validates a JSON text and minifies it in place.

#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that must be readable and writable behind the text (simdjson::SIMDJSON_PADDING).
enum { csimdjson_padding = 64 };

// The deepest nesting that a caller may allow; the walk is recursive, one small frame for each level.
enum { csimdjson_depth_max = 1000 };

typedef enum csimdjson_fault {
    csimdjson_none = 0,
    csimdjson_malformed,
    csimdjson_not_utf8,
    csimdjson_too_deep,
    csimdjson_duplicate_key,
    csimdjson_out_of_memory,
} csimdjson_fault;

typedef struct csimdjson_result {
    csimdjson_fault fault;
    size_t count;      // bytes of the minified text
    size_t offset;     // where the fault is, in the text as it came
    const char *what;  // the fault in words, of static lifetime; NULL without one
} csimdjson_result;

// Checks `text` (RFC 8259, and of RFC 7493: UTF-8, no lone surrogates, no duplicate keys) and removes the
// whitespace between its tokens; the tokens stay byte for byte. The text is overwritten, also on a fault.
csimdjson_result csimdjson_minify(uint8_t *text, size_t count, size_t depth_max);

#ifdef __cplusplus
}
#endif
