# A script: writes `source`, where `namespace`::`function`() gives the bytes of `file`. Used by embed.cmake.
file(READ "${file}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${source}" "#include <string_view>
namespace ${namespace} {
std::string_view ${function}();
std::string_view ${function}() {
  static constexpr unsigned char kBytes[] = {
${bytes}
  };
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}
}  // namespace ${namespace}
")
