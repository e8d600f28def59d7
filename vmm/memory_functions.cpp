// What the compiler may call behind the scenes.
#include <stddef.h>

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
    void* const result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

void* memset(void* to, int value, size_t size) {
    void* const result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}

void* memmove(void* to, const void* from, size_t size) {
    if (to <= from) return memcpy(to, from, size);
    auto* const target = static_cast<char*>(to);
    const auto* const source = static_cast<const char*>(from);
    while (size-- > 0) target[size] = source[size];
    return to;
}

int memcmp(const void* left, const void* right, size_t size) {
    const auto* const a = static_cast<const unsigned char*>(left);
    const auto* const b = static_cast<const unsigned char*>(right);
    for (size_t n = 0; n < size; ++n)
        if (a[n] != b[n]) return a[n] < b[n] ? -1 : 1;
    return 0;
}
}
