// A regular expression (ECMAScript) that is looked for in lines of text.
//
// It stands between the rest and the standard library's <regex>, which costs every file that includes it seconds.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

namespace truering {

class TextPattern {
  public:
    class Error : public std::runtime_error {
      public:
        using std::runtime_error::runtime_error;
    };

    // Throws Error.
    explicit TextPattern(const std::string& expression);
    TextPattern(TextPattern&& other) noexcept;
    TextPattern& operator=(TextPattern&& other) noexcept;
    ~TextPattern();

    // Does it match anywhere? An expression too complex for this line does not.
    [[nodiscard]] bool found_in(const std::string& line) const;

  private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

} // namespace truering
