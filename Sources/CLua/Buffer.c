#include "Engine.h"

static size_t grown_capacity(const buffer *buffer, size_t count) {
    return (buffer->count + count + 1) * 2;
}

bool buffer_append(buffer *buffer, const void *bytes, size_t count) {
    if (count == 0) return true;
    if (buffer->capacity - buffer->count <= count) {
        size_t capacity = grown_capacity(buffer, count);
        char *grown = realloc(buffer->bytes, capacity);
        if (!grown) return false;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    buffer->bytes[buffer->count] = 0;
    return true;
}

bool buffer_append_granted(mr_lua *lua, buffer *buffer, const void *bytes, size_t count) {
    if (buffer->capacity - buffer->count <= count) expect_grant(lua, grown_capacity(buffer, count) - buffer->capacity);
    return buffer_append(buffer, bytes, count);
}

// What a large run left behind is not kept for the small ones.
static const size_t kept_bytes_max = 64 * 1024;

void buffer_clear(buffer *buffer) {
    if (buffer->capacity > kept_bytes_max) buffer_free(buffer);
    buffer->count = 0;
}

void buffer_free(buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
