// The configuration's section `glance`.
#pragma once

namespace visor::app {

/// What the Image API's front end does as its operator wants it.
struct GlanceSettings {
  /// Data whose format is another than its image says is refused.
  bool strict_formats = true;
  /// Documents tell where data lies, and who may change an image may say where.
  bool show_multiple_locations = false;
};

}  // namespace visor::app
