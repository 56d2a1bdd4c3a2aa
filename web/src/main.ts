import "./style.css";
import "./dock.css";
import "./controls.css";
import "./choices.css";
import "./panels.css";
import "./look.css";
import "./lists.css";
import "./phone.css";
import { readOptions } from "./options.ts";
import { Show } from "./show.ts";
import { startTheme } from "./theme.ts";
import { Watch } from "./watch.ts";

const options = readOptions();
startTheme(options.theme);
if (options.obs || options.embed) new Watch(options).open();
else void new Show(options).open();
