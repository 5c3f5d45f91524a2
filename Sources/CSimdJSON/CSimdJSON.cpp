// simdjson's first stage checks UTF-8, finds the tokens and rejects control characters in strings; On-Demand then
// checks commas, colons and brackets of what is visited. So everything is visited here, and what On-Demand lets pass
// (the insides of numbers, strings and literals) is checked by the grammar in Tokens.hpp.
//
// The output is written over the input: a token never moves to the right, and nothing behind the token that is being
// read is read again.

#define SIMDJSON_EXCEPTIONS 0

#include <cstring>
#include <utility>

#include <simdjson.h>

#include "CSimdJSON.h"
#include "Faults.hpp"
#include "Keys.hpp"
#include "Tokens.hpp"

namespace ondemand = simdjson::ondemand;

static_assert(csimdjson_padding >= simdjson::SIMDJSON_PADDING, "simdjson reads this far past the end");

namespace {

// The memory that a walk needs.
struct Workspace {
    ondemand::parser parser;
    KeyStack keys;

    // False if there is no memory.
    bool reserve(size_t count) {
        if (parser.capacity() >= count) { return true; }
        // Room for the container that is refused, and for the root.
        return !parser.allocate(count, csimdjson_depth_max + 8);
    }
};

class Minifier {
public:
    Minifier(Workspace &workspace, uint8_t *text, size_t count, size_t depth_max)
        : text(text), output(text), end(text + count), read(text), depth_max(depth_max),
          parser(workspace.parser), keys(workspace.keys) {}

    csimdjson_result run() {
        keys.clear();
        ondemand::document document;
        auto code = parser.iterate(text, count(), count() + csimdjson_padding).get(document);
        bool valid = code ? refuse_document(code) : root(document);
        if (!valid) { return {fault.kind, 0, size_t(fault.at - text), fault.what}; }
        return {csimdjson_none, size_t(output - text), 0, nullptr};
    }

private:
    uint8_t *const text;
    uint8_t *output;
    const uint8_t *const end;
    const uint8_t *read;  // behind the last token that was read
    const size_t depth_max;
    size_t depth = 0;
    Fault fault;
    ondemand::parser &parser;
    KeyStack &keys;

    size_t count() const { return size_t(end - text); }

    bool refuse(const uint8_t *at, const char *what, csimdjson_fault kind = csimdjson_malformed) {
        fault = {kind, at, what};
        return false;
    }

    // On-Demand says no more than a code; the fault is at the next token or little behind it.
    bool refuse_next(const char *what) { return refuse(skip_whitespace(read, end), what); }

    // The first stage says no more than a code; the place is searched only now.
    bool refuse_document(simdjson::error_code code) {
        switch (code) {
        case simdjson::EMPTY: return refuse(end, "a JSON value is missing");
        case simdjson::MEMALLOC: return refuse(text, "no memory is left", csimdjson_out_of_memory);
        default: break;
        }
        const uint8_t *invalid = first_invalid_utf8(text, end);
        if (invalid != end) { return refuse(invalid, "not UTF-8", csimdjson_not_utf8); }
        fault = first_string_fault(text, end);
        return false;
    }

    // On-Demand looks at the last byte first: the brackets do not match, or the value ends before the text does.
    bool refuse_root() {
        const uint8_t *after = after_brackets(text, end);
        if (!after) { return refuse(end, "the text ends inside an array or object"); }
        read = after;
        if (skip_whitespace(read, end) != end) { return refuse_next("the text goes on behind its value"); }
        return refuse(after - 1, "a closing bracket is of the wrong kind");
    }

    // What On-Demand missed at the next member of an object: comma or brace, key, colon.
    bool refuse_member(bool first) {
        const uint8_t *at = skip_whitespace(read, end);
        if (!first && *at != ',') { return refuse(at, "a comma or brace is expected in an object"); }
        if (!first) { at = skip_whitespace(at + 1, end); }
        if (*at != '"') { return refuse(at, "a key is expected in an object"); }
        bool escaped;
        at = check_string(at, escaped, fault);
        return at && refuse(skip_whitespace(at, end), "a colon is expected behind a key");
    }

    bool root(ondemand::document &document) {
        std::string_view token;
        if (document.raw_json_token().get(token)) { return refuse(text, "a JSON value is missing"); }
        auto start = reinterpret_cast<const uint8_t *>(token.data());
        if (*start != '[' && *start != '{') {
            if (!scalar(start)) { return false; }
            return skip_whitespace(read, end) == end || refuse_next("the text goes on behind its value");
        }
        bool valid = *start == '[' ? container<ondemand::array>(document.get_array(), start)
                                   : container<ondemand::object>(document.get_object(), start);
        if (!valid) { return false; }
        return skip_whitespace(read, end) == end || refuse_next("the text goes on behind its value");
    }

    bool value(ondemand::value value) {
        std::string_view token = value.raw_json_token();
        auto start = reinterpret_cast<const uint8_t *>(token.data());
        switch (*start) {
        case '[': return container<ondemand::array>(value.get_array(), start);
        case '{': return container<ondemand::object>(value.get_object(), start);
        case '"': {
            // Consumed here: what On-Demand skips by itself may be followed by a colon.
            ondemand::raw_json_string raw;
            if (value.get_raw_json_string().get(raw)) { return refuse(start, "a value is missing"); }
            return scalar(start);
        }
        default: {
            if (!scalar(start)) { return false; }
            const uint8_t *next = skip_whitespace(read, end);
            return *next == ',' || *next == ']' || *next == '}' || refuse(next, "a comma or bracket is expected");
        }
        }
    }

    template <typename Container> bool container(simdjson::simdjson_result<Container> &&result, const uint8_t *start) {
        Container inside;
        if (std::move(result).get(inside)) { return depth == 0 ? refuse_root() : refuse(start, "a value is expected"); }
        if (depth == depth_max) { return refuse(start, "nested too deeply", csimdjson_too_deep); }
        depth += 1;
        bool valid = members(inside);
        depth -= 1;
        return valid;
    }

    bool members(ondemand::array &array) {
        step('[');
        const uint8_t *opened = output;
        for (auto result : array) {
            ondemand::value element;
            if (std::move(result).get(element)) { return refuse_next("a comma or bracket is expected in an array"); }
            if (output != opened) { step(','); }
            if (!value(element)) { return false; }
        }
        step(']');
        return true;
    }

    bool members(ondemand::object &object) {
        step('{');
        const uint8_t *opened = output;
        size_t first_key = keys.count();
        for (auto result : object) {
            ondemand::field field;
            if (std::move(result).get(field)) { return refuse_member(output == opened); }
            if (output != opened) { step(','); }
            if (!key(reinterpret_cast<const uint8_t *>(field.key().raw()) - 1)) { return false; }
            step(':');
            if (!value(field.value())) { return false; }
        }
        step('}');
        size_t duplicate;
        if (keys.close(first_key, text, duplicate)) { return true; }
        return refuse(text + duplicate, "a key occurs twice in an object", csimdjson_duplicate_key);
    }

    bool key(const uint8_t *start) {
        bool escaped;
        const uint8_t *written = output;
        const uint8_t *after = check_string(start, escaped, fault);
        if (!after) { return false; }
        put(start, after);
        keys.push({size_t(written - text), size_t(after - start), size_t(start - text), escaped});
        return true;
    }

    bool scalar(const uint8_t *start) {
        bool escaped;
        const uint8_t *after = *start == '"' ? check_string(start, escaped, fault) : check_word(start, fault);
        if (after) { put(start, after); }
        return after != nullptr;
    }

    // Copies a bracket, comma or colon that On-Demand has read. Steps first: the copy may lie on whitespace before it.
    void step(char byte) {
        read = skip_whitespace(read, end) + 1;
        *output++ = uint8_t(byte);
    }

    void put(const uint8_t *from, const uint8_t *to) {
        if (output != from) { std::memmove(output, from, size_t(to - from)); }
        output += to - from;
        read = to;
    }
};

// Texts up to this size share a workspace for each thread; a larger one would hold its memory (about 6 bytes for each
// byte of text) for the thread's life.
constexpr size_t shared_capacity_max = 64 * 1024;
constexpr size_t shared_capacity_min = 4 * 1024;

csimdjson_result minify(Workspace &workspace, size_t capacity, uint8_t *text, size_t count, size_t depth_max) {
    if (!workspace.reserve(capacity)) { return {csimdjson_out_of_memory, 0, 0, "no memory is left"}; }
    return Minifier(workspace, text, count, depth_max).run();
}

}  // namespace

extern "C" csimdjson_result csimdjson_minify(uint8_t *text, size_t count, size_t depth_max) {
    static const uint8_t byte_order_mark[] = {0xEF, 0xBB, 0xBF};
    if (count >= sizeof byte_order_mark && std::memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        return {csimdjson_malformed, 0, 0, "a byte order mark stands before the value"};
    }
    // On-Demand compares what follows the last token with brackets.
    std::memset(text + count, 0, csimdjson_padding);
    if (count > shared_capacity_max) {
        Workspace workspace;
        return minify(workspace, count, text, count, depth_max);
    }
    static thread_local Workspace shared;
    size_t capacity = shared_capacity_min;
    while (capacity < count) { capacity *= 4; }
    return minify(shared, capacity, text, count, depth_max);
}
