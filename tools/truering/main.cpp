#include "tools/truering/options.hpp"
#include <fmt/format.h>
int main(int argc, char** argv) {
    try {
        (void)truering::parse_options({argv + 1, argv + argc});
        fmt::print("{}", truering::help_text());
    } catch (const std::exception& e) {
        fmt::print(stderr, "truering: {}\n", e.what());
        return 2;
    }
}
