// The keys of the objects that are open while a text is walked, to find duplicates as each object closes.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "Tokens.hpp"

// A key of an open object: where its token stands in the output, and where it stood in the input.
struct Key {
    size_t start;
    size_t count;
    size_t offset;
    bool escaped;
};

// The string of a checked token, escapes resolved.
inline std::string decoded(const uint8_t *token, size_t count) {
    std::string result;
    auto put = [&result](int byte) { result.push_back(char(byte)); };
    for (const uint8_t *at = token + 1, *end = token + count - 1; at < end; at++) {
        if (*at != '\\') {
            put(*at);
            continue;
        }
        static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        at++;
        if (*at != 'u') {
            auto name = std::strchr(names, *at);
            put(name ? meanings[name - names] : *at);
            continue;
        }
        int point = hex4(at + 1);
        at += 4;
        if (point >= 0xD800 && point <= 0xDBFF) {
            point = 0x10000 + ((point - 0xD800) << 10) + (hex4(at + 3) - 0xDC00);
            at += 6;
        }
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
            put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        } else {
            put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F));
            put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
        }
    }
    return result;
}

class KeyStack {
public:
    size_t count() const { return open.size(); }

    void clear() { open.clear(); }

    void push(const Key &key) { open.push_back(key); }

    // Takes the keys of the innermost object, those from `first`, off the stack. False with the input's offset of a
    // key that stands there a second time. Compared decoded, by code points.
    bool close(size_t first, const uint8_t *output, size_t &duplicate) {
        bool escaped = std::any_of(open.begin() + long(first), open.end(), [](const Key &key) { return key.escaped; });
        bool distinct = !escaped && open.size() - first <= pairwise_max ? check_pairs(first, output, duplicate)
                                                                        : check_sorted(first, output, duplicate);
        open.resize(first);
        return distinct;
    }

private:
    // Few keys are compared with each other faster than they are sorted; sorting bounds the work for many (no hash
    // to be flooded).
    static constexpr size_t pairwise_max = 16;

    std::vector<Key> open;

    bool check_pairs(size_t first, const uint8_t *output, size_t &duplicate) const {
        for (size_t i = first; i < open.size(); i++) {
            for (size_t j = first; j < i; j++) {
                if (open[i].count != open[j].count) { continue; }
                if (std::memcmp(output + open[i].start, output + open[j].start, open[i].count) != 0) { continue; }
                duplicate = open[i].offset;
                return false;
            }
        }
        return true;
    }

    bool check_sorted(size_t first, const uint8_t *output, size_t &duplicate) const {
        std::vector<std::string> strings;
        strings.reserve(open.size() - first);
        std::vector<std::pair<std::string_view, size_t>> sorted;
        sorted.reserve(open.size() - first);
        for (size_t i = first; i < open.size(); i++) {
            auto &key = open[i];
            std::string_view view(reinterpret_cast<const char *>(output) + key.start + 1, key.count - 2);
            if (key.escaped) { view = strings.emplace_back(decoded(output + key.start, key.count)); }
            sorted.emplace_back(view, key.offset);
        }
        std::sort(sorted.begin(), sorted.end());
        auto same = [](auto &left, auto &right) { return left.first == right.first; };
        auto found = std::adjacent_find(sorted.begin(), sorted.end(), same);
        if (found == sorted.end()) { return true; }
        duplicate = (found + 1)->second;
        return false;
    }
};
