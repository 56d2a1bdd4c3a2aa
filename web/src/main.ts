import "./style.css";
import { Show } from "./show.ts";

const show = new Show();
void show.open();
