#include "document/xml.h"

#include <gtest/gtest.h>

#include "document/json.h"

namespace visor::document {
namespace {

std::string element(std::string_view name, const Value& value) {
  std::string out;
  append_xml_element(out, name, value);
  return out;
}

Value read(std::string_view text) {
  auto value = parse_xml(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? std::move(*value) : Value("(unreadable)");
}

std::string refusal(std::string_view text, Limits limits = {}) {
  const auto value = parse_xml(text, limits);
  EXPECT_FALSE(value) << text.substr(0, 100);
  return value ? "" : value.error().message;
}

void expect_same_tree(const Value& value) {
  EXPECT_EQ(read(write_xml(value)), value) << write_xml(value) << write_json(value);
}

TEST(XmlWriting, GivesOneElementAnAttribute) {
  EXPECT_EQ(write_xml("image", Value::object({{"name", "cirros"}, {"size", 42}, {"public", true}})),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<image><name>cirros</name><size>42</size><public>true</public></image>\n");
}

TEST(XmlWriting, NamesEntriesByTheSingular) {
  const Value images = Value::array({Value::object({{"id", "1"}}), Value::object({{"id", "2"}})});
  EXPECT_EQ(element("images", images),
            "<images><image><id>1</id></image><image><id>2</id></image></images>");
  EXPECT_EQ(element("list", Value::array({"a", "b"})), "<list><item>a</item><item>b</item></list>");
  EXPECT_EQ(element("s", Value::array({"a"})), "<s><item>a</item></s>");
}

TEST(XmlWriting, TakesTheOnlyMemberForTheRoot) {
  EXPECT_TRUE(write_xml(Value::object({{"images", Value::array({"x"})}}))
                  .ends_with("<images><image>x</image></images>\n"));
  EXPECT_TRUE(write_xml(Value::object({{"a", "1"}, {"b", "2"}}))
                  .ends_with("<document><a>1</a><b>2</b></document>\n"));
  EXPECT_TRUE(write_xml(Value("x")).ends_with("<document>x</document>\n"));
}

TEST(XmlWriting, EscapesMarkup) {
  EXPECT_EQ(element("name", "<a href=\"x\">&amp;]]>\r\n"),
            "<name>&lt;a href=\"x\"&gt;&amp;amp;]]&gt;&#13;\n</name>");
}

TEST(XmlWriting, PutsOddNamesIntoAnAttribute) {
  EXPECT_EQ(element("a b", "x"), "<attribute name=\"a b\">x</attribute>");
  EXPECT_EQ(element("1st", "x"), "<attribute name=\"1st\">x</attribute>");
  EXPECT_EQ(element("x:y", "x"), "<attribute name=\"x:y\">x</attribute>");
  EXPECT_EQ(element("xmlns", "x"), "<attribute name=\"xmlns\">x</attribute>");
  EXPECT_EQ(element("", "x"), "<attribute name=\"\">x</attribute>");
  EXPECT_EQ(element("a\"><b>\n", "x"),
            "<attribute name=\"a&quot;&gt;&lt;b&gt;&#10;\">x</attribute>");
  EXPECT_EQ(element("a\x01", "x"),
            "<attribute name=\"a%01\" name-encoding=\"percent\">x</attribute>");
}

TEST(XmlWriting, PercentEncodesWhatXmlCannotCarry) {
  EXPECT_EQ(element("name", "a\x01 b%"), "<name encoding=\"percent\">a%01%20b%25</name>");
  EXPECT_EQ(element("name", std::string(1, '\0')), "<name encoding=\"percent\">%00</name>");
  EXPECT_EQ(element("name", "\xef\xbf\xbf"), "<name encoding=\"percent\">%EF%BF%BF</name>");
  EXPECT_EQ(element("name", "a\xffz"), "<name>a\xef\xbf\xbdz</name>");
}

TEST(XmlRoundTrip, KeepsTheShapeOfEveryTreeOfTexts) {
  expect_same_tree(Value::object(
      {{"images", Value::array({Value::object({{"id", "1"}, {"name", "a"}}),
                                Value::object({{"id", "2"}, {"tags", Value::array({"x"})}})})}}));
  expect_same_tree(Value::object({{"image", Value::object({{"name", "b"}})}}));
  expect_same_tree(Value::object({{"images", Value::array()}}));
  expect_same_tree(Value::object({{"image", Value::object()}}));
  expect_same_tree(Value::object({{"image", ""}}));
  expect_same_tree(Value::object({{"image", nullptr}}));
  expect_same_tree(Value::object({{"list", Value::array({"a"})}}));
  expect_same_tree(
      Value::object({{"list", Value::array({Value::array({"a", "b"}), Value::array()})}}));
}

TEST(XmlRoundTrip, TellsAnObjectFromAnArrayOfTheSameLook) {
  expect_same_tree(Value::object({{"images", Value::object({{"image", "x"}})}}));
  expect_same_tree(Value::object({{"list", Value::object({{"item", "x"}})}}));
}

TEST(XmlRoundTrip, KeepsTextsToTheByte) {
  std::string every;
  for (int i = 0; i < 128; ++i) every += static_cast<char>(i);
  for (const std::string& text :
       {std::string(" \t x \r\n y \r "), std::string("   "), every, std::string("<![CDATA[x]]>"),
        std::string("&#65;&amp;"), std::string("%41"), std::string("\xf0\x9f\x98\x80\xc3\xa9"),
        std::string("\xef\xbf\xbe")}) {
    expect_same_tree(Value::object({{"image", Value::object({{"a", text}, {text, "b"}})}}));
  }
}

TEST(XmlRoundTrip, KeepsOddNames) {
  for (const char* name : {"a b", "1", "x:y", "xml", "attribute", "name", "a\nb", "%", "\xc3\xa9",
                           "", "a s", "item", "type"}) {
    expect_same_tree(Value::object({{"root", Value::object({{name, "x"}, {"z", "y"}})}}));
    expect_same_tree(Value::object({{name, Value::array({"x", "y"})}}));
  }
}

TEST(XmlReading, LeavesOutCommentsInstructionsAndAttributes) {
  EXPECT_EQ(read("\xef\xbb\xbf<?xml version='1.0'?><!-- a --><?p q?>\n<image xmlns=\"urn:x\" a='1'>"
                 "<!-- b --><name>c<!-- d -->e</name>\n</image><!-- f -->\n"),
            Value::object({{"image", Value::object({{"name", "ce"}})}}));
}

TEST(XmlReading, UnderstandsReferencesAndCdata) {
  EXPECT_EQ(read("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;<![CDATA[<&x;>]]></a>"),
            Value::object({{"a", "<>&\"'AB<&x;>"}}));
}

TEST(XmlReading, GathersChildrenOfOneNameIntoAnArray) {
  EXPECT_EQ(read("<r><a>1</a><b>2</b><a>3</a></r>"),
            Value::object({{"r", Value::object({{"a", Value::array({"1", "3"})}, {"b", "2"}})}}));
}

TEST(XmlReading, RefusesDocumentTypesAndEntities) {
  EXPECT_NE(refusal("<!DOCTYPE a><a/>").find("DOCTYPE"), std::string::npos);
  EXPECT_NE(refusal("<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 "
                    "\"&lol;&lol;\">]><lolz>&lol2;</lolz>")
                .find("DOCTYPE"),
            std::string::npos);
  EXPECT_NE(
      refusal("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>").find("DOCTYPE"),
      std::string::npos);
  EXPECT_NE(refusal("<a>&x;</a>").find("\"x\" is not known"), std::string::npos);
  for (const char* text : {"<a b=\"&x;\"/>", "<a>&</a>", "<a>&lt</a>", "<a>&;</a>", "<a>&#;</a>",
                           "<a>&#0;</a>", "<a>&#x1;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>",
                           "<a>&#99999999999;</a>", "<a>&LT;</a>", "<a b=\"<!--\">&x;<!-- --></a>",
                           "<a><!DOCTYPE b></a>", "<!ELEMENT a><a/>"}) {
    EXPECT_FALSE(parse_xml(text)) << text;
  }
}

TEST(XmlReading, RefusesWhatIsNotXml) {
  for (const char* text : {"",
                           " ",
                           "x",
                           "<",
                           "<a",
                           "<a>",
                           "</a>",
                           "<a></b>",
                           "<a><b></a></b>",
                           "<a/><b/>",
                           "<a/>x",
                           "x<a/>",
                           "<a b></a>",
                           "<a b=c/>",
                           "<a b='1/>",
                           "<>",
                           "< a/>",
                           "<a><![CDATA[x</a>",
                           "<a><!-- x</a>",
                           "<?xml",
                           "<![CDATA[x]]><a/>",
                           "<a/><![CDATA[x]]>",
                           "<a>]]</a",
                           "{}",
                           "</>",
                           "<a>text<b/></a>",
                           "<!-- only -->",
                           "<a/></a>"}) {
    EXPECT_FALSE(parse_xml(text)) << text;
  }
}

TEST(XmlReading, RefusesOtherEncodingsAndStrayBytes) {
  EXPECT_FALSE(parse_xml("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"));
  EXPECT_TRUE(parse_xml("<?xml version='1.0' encoding='utf-8'?><a/>"));
  EXPECT_FALSE(parse_xml("<a>\xff</a>"));
  EXPECT_FALSE(parse_xml("<a>\x01</a>"));
  EXPECT_FALSE(parse_xml(std::string_view("<a>\0</a>", 8)));
  EXPECT_FALSE(parse_xml(std::string_view("\xff\xfe<\0a\0/\0>\0", 10)));
  EXPECT_FALSE(parse_xml("<a encoding=\"percent\">%zz</a>"));
  EXPECT_FALSE(parse_xml("<a encoding=\"percent\">%ff</a>"));
  EXPECT_FALSE(parse_xml("<attribute name=\"%f\" name-encoding=\"percent\"/>"));
}

TEST(XmlReading, TellsThePlaceOfAFault) {
  EXPECT_NE(refusal("<a>\n <b>&x;</b></a>").find("line 2, column 5 (byte 8)"), std::string::npos)
      << refusal("<a>\n <b>&x;</b></a>");
}

TEST(XmlReading, StopsAtTheDepthLimit) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "<a>";
    for (std::size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  EXPECT_TRUE(parse_xml(nested(32)));
  EXPECT_NE(refusal(nested(33)).find("32 levels"), std::string::npos);
  EXPECT_NE(refusal(nested(100000)).find("levels"), std::string::npos);
}

TEST(XmlReading, StopsAtTheSizeLimits) {
  const auto large = parse_xml("<a>x</a>", {.bytes = 7});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
  EXPECT_TRUE(parse_xml("<a><b/><b/></a>", {.values = 3}));
  const auto many = parse_xml("<a><b/><b/></a>", {.values = 2});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Code::too_large);
  EXPECT_FALSE(parse_xml("<a>" + std::string(1024 * 1024, 'x') + "</a>"));
}

TEST(XmlReading, RefusesATextCutAnywhere) {
  const std::string text =
      "<?xml version=\"1.0\"?><images><image a=\"&#65;\"><id>1&amp;</id><!-- c --></image>"
      "<image><n><![CDATA[x]]></n></image></images>";
  ASSERT_TRUE(parse_xml(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_xml(std::string_view(text).substr(0, i))) << i;
  }
}

TEST(XmlReading, TakesManyChildrenInGoodTime) {
  std::string text = "<r>";
  for (int i = 0; i < 60000; ++i) text += "<n" + std::to_string(i) + "/>";
  EXPECT_EQ(read(text + "</r>").find("r")->size(), 60000U);
}

}  // namespace
}  // namespace visor::document
