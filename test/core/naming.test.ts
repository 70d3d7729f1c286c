import { pascalToSnake, registerTypeName, snakeTypeName } from "../../lib/core/naming";

test.each([
  ["PascalCase", "pascal_case"],
  ["MyFunctionName", "my_function_name"],
  ["camelCase", "camel_case"],
  ["Simple", "simple"],
  ["Model123", "model123"],
  ["V2Model", "v2_model"],
  ["ID", "id"],
  ["JSON", "json"],
  ["HTTPClient", "http_client"],
  ["XMLParser", "xml_parser"],
  ["SSLLibrary", "ssl_library"],
  ["", ""],
])("%s in snake case is %s", (name, expected) => expect(pascalToSnake(name)).toBe(expected));

test("the module's spelling of a class name wins where they agree", () => {
  class KoLeoLoss {}
  class SuperMetric {}
  registerTypeName(KoLeoLoss, "KoLeoLoss", "losses.koleo_loss");
  registerTypeName(SuperMetric, "SuperMetric", "metrics");
  expect(snakeTypeName(new KoLeoLoss())).toBe("koleo_loss");
  expect(snakeTypeName(new SuperMetric())).toBe("super_metric");
});
