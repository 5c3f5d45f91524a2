#include "Engine.h"

bool buffer_append(buffer *buffer, const void *bytes, size_t count) {
    if (count == 0) return true;
    if (buffer->capacity - buffer->count <= count) {
        size_t capacity = (buffer->count + count + 1) * 2;
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
